# SPDX-License-Identifier: MIT
"""boxwork.py - gdb commands that print what the kernel holds: boxes, processes, threads, regions, the log.

Loaded by `make debug`. `help boxwork` lists the commands. They read memory alone, so they work while the
machine is stopped anywhere, a panic included; a structure that was caught in the middle of a change may print oddly.
"""

import gdb

STATES = {0: "new", 1: "running", 2: "ending", 3: "dead"}
THREAD_STATES = {0: "new", 1: "runnable", 2: "blocked", 3: "dead"}


def value(expression):
    return gdb.parse_and_eval(expression)


def entries(head, type_name, member):
    """The objects on an intrusive list (struct list)."""
    type_ = gdb.lookup_type(type_name)
    offset = next(f.bitpos // 8 for f in type_.fields() if f.name == member)
    start = int(head.address)
    at = int(head["next"])
    while at != start and at != 0:
        yield gdb.Value(at - offset).cast(type_.pointer()).dereference()
        at = int(gdb.Value(at).cast(gdb.lookup_type("struct list").pointer())["next"])


def tree(root, type_name, member):
    """The objects of an intrusive red-black tree (struct rb_root), in order."""
    type_ = gdb.lookup_type(type_name)
    offset = next(f.bitpos // 8 for f in type_.fields() if f.name == member)
    stack, node = [], root["top"]
    while stack or int(node) != 0:
        while int(node) != 0:
            stack.append(node)
            node = node["left"]
        node = stack.pop()
        yield gdb.Value(int(node) - offset).cast(type_.pointer()).dereference()
        node = node["right"]


def text(array):
    return array.string(errors="replace")


def boxes(box=None, depth=0):
    """All boxes, outermost first, each with its depth."""
    if box is None:
        box = value("'box.c'::outermost")
    yield box, depth
    for name in ("boxes", "killed_boxes"):
        for inner in entries(box[name], "struct box", "box_link"):
            yield from boxes(inner, depth + 1)


def processes(box):
    for name in ("members", "killed"):
        yield from entries(box[name], "struct process", "member_link")


class Boxwork(gdb.Command):
    """What the Boxwork kernel holds: bw-boxes bw-ps bw-threads bw-regions bw-log"""

    def __init__(self):
        super().__init__("boxwork", gdb.COMMAND_DATA, prefix=True)


class Boxes(gdb.Command):
    """bw-boxes: the tree of boxes with their counters and memory."""

    def __init__(self):
        super().__init__("bw-boxes", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        for box, depth in boxes():
            memory = box["account"]["counters"][0]
            print("%sbox %s at %#x: living %d, unsettled %d%s%s, memory %d of %s"
                  % ("  " * depth, int(box["account"]["box_number"]), int(box.address),
                     int(box["living"]), int(box["unsettled"]),
                     ", dying" if int(box["dying"]) else "",
                     ", suspended" if int(box["suspended"]) else "", int(memory["used"]),
                     "no limit" if int(memory["limit"]) == 2**63 - 1 else int(memory["limit"])))


class Processes(gdb.Command):
    """bw-ps: every process, by box."""

    def __init__(self):
        super().__init__("bw-ps", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        for box, depth in boxes():
            for process in processes(box):
                print("%s%5d %-9s %2d threads  %s  (struct process *) %#x"
                      % ("  " * depth, int(process["pid"]), STATES[int(process["state"])],
                         int(process["thread_count"]), text(process["name"]), int(process.address)))


class Threads(gdb.Command):
    """bw-threads: every thread of every process: state, CPU, work bits, what it waits on."""

    def __init__(self):
        super().__init__("bw-threads", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        for box, depth in boxes():
            for process in processes(box):
                for uthread in entries(process["threads"], "struct uthread", "process_link"):
                    thread = uthread["thread"]
                    waits = int(thread["waiting_for"])
                    where = gdb.execute("info symbol %#x" % waits, to_string=True).split(" in ")[0] \
                        if waits else "-"
                    print("%s%5d/%-5d %-8s cpu %d work %#x prio %d waits in %s  (struct uthread *) %#x"
                          % ("  " * depth, int(process["pid"]),
                             int(uthread["pid"]["number"]) or int(process["pid"]),
                             THREAD_STATES[int(thread["state"])], int(thread["cpu"]),
                             int(thread["work"]), int(thread["priority"]), where.strip(),
                             int(uthread.address)))


class Regions(gdb.Command):
    """bw-regions PROCESS: the regions of a process: its number in the outermost box, or a struct process *."""

    def __init__(self):
        super().__init__("bw-regions", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if argument.isdigit():
            outermost = next(boxes())[0]
            process = next((p for p in processes(outermost) if int(p["pid"]) == int(argument)), None)
            if process is None:
                print("the outermost box has no process %s" % argument)
                return
        else:
            process = value(argument)
        if int(process["space"]) == 0:
            print("it has no address space any more")
            return
        for region in tree(process["space"]["regions"], "struct region", "node"):
            flags = int(region["flags"])
            print("%016x-%016x %s%s%s%s %s" % (
                int(region["start"]), int(region["end"]), "r" if flags & 1 else "-",
                "w" if flags & 2 else "-", "x" if flags & 4 else "-", "s" if flags & 8 else "p",
                "anonymous" if int(region["pager"]) == 0 else "pager %#x" % int(region["pager"])))


class Log(gdb.Command):
    """bw-log: the log ring, oldest line first."""

    def __init__(self):
        super().__init__("bw-log", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        ring = value("'log.c'::ring")
        end = int(value("'log.c'::ring_end"))
        size = ring.type.sizeof
        data = gdb.selected_inferior().read_memory(int(ring.address), size).tobytes()
        at = end % size
        kept = data[:end] if end <= size else (data[at:] + data[:at]).partition(b"\n")[2]
        print(kept.decode(errors="replace"), end="")


for command in (Boxwork, Boxes, Processes, Threads, Regions, Log):
    command()
