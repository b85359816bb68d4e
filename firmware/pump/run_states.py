"""What a run is doing, as the link tells it, and what ended it."""

IDLE = 1
RUNNING = 2
WAITING = 3
STOPPING = 4
RELIEVING = 5
STOPPED = 6

COMPLETED = 1
OUT_STOPPED = 2
OUT_OCCLUDED = 3
OUT_ALARM = 4
OUT_LINK_LOST = 5
