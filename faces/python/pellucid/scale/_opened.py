"""Which models has this process opened? Each one once, however many mappers, batches and threads ask for it.

After a fork the child opens its own: what it inherits may be half made, and a lock may be held by a thread that it has not.
"""

import os
import threading

#: Models that a process keeps open. Workers live long and serve many jobs.
MOST = 4


class _Process:
    def __init__(self):
        self.lock = threading.Lock()
        self.models = {}
        self.n_opened = 0


_processes = {}


def _this():
    pid = os.getpid()
    here = _processes.get(pid)
    if here is None:
        _processes.clear()
        # Of two threads that come at once, both get the first one's.
        here = _processes.setdefault(pid, _Process())
    return here


def opened(key, make):
    """What `make()` answers, made once a process for each key; of many keys the last few are kept."""
    here = _this()
    with here.lock:
        found = here.models.pop(key, None)
        if found is None:
            found = make()
            here.n_opened += 1
        here.models[key] = found
        while len(here.models) > MOST:
            del here.models[next(iter(here.models))]
        return found


def n_opened():
    """How often mappers opened a model in this process.

    Returns
    -------
    int
        1 in a worker of one job, whatever the number of its batches.
    """
    return _this().n_opened
