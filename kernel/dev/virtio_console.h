// SPDX-License-Identifier: MIT
// virtio_console.h - the virtio console with several ports: streams of bytes between the VM and the
// host.
//
// A port with a name becomes /dev/virtio-ports/NAME; the one called "ping" is the kernel's own: it
// sends back what comes.
#pragma once

struct virtio_device;

// Starts the driver of a device. When it returns, the ports that the device has at start are in
// /dev. Context: start-up.
void virtio_console_start(struct virtio_device *device);
