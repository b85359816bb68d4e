"""The device's end of the link: frames in, sessions, at-most-once execution, replies and events out.

A command is executed when its session is the current one and its sequence the next; its reply is kept, and
a repetition of the same bytes gets those bytes again. HELLO, STATUS and STOP stand outside of that. One
frame is taken per tick, so a tick's work is bounded whatever comes in, and while the pump moves reading, admitting,
executing and answering it are a tick each; but every byte is searched as it comes, and a STOP behind other frames acts
at once (its answer keeps its place). A reply for which the link has no room is dropped: the host asks again and gets
the kept one. STOP acts even if nobody reads.
"""

from flushlink import kernels
from flushlink.frames import (
    AT_KIND,
    AT_LENGTH,
    AT_MESSAGE,
    AT_SEQUENCE,
    AT_SESSION,
    AT_STATUS,
    AT_VERSION,
    EMPTY_SIZE,
    get_u16,
    put_u16,
    seal,
    unseal,
)
from flushlink.messages import (
    CRC_SIZE,
    FRAME_MAX,
    HEADER_SIZE,
    KIND_EVENT,
    KIND_REQUEST,
    KIND_RESPONSE,
    OPEN,
    THERAPY,
    VERSION,
    VERSION_MAJOR,
)
from flushlink.viper_compat import const

from .. import codes
from ..message_layout import admissions, event_sizes
from .rx_ring import RxRing

# Result of `poll`: the work of this tick.
NOTHING = 0
READ = 1
ANSWERED = 2

_NONCE_SIZE = const(8)
_PAST_NONCES = const(4)
# How far the frame that was taken last has come.
_DONE = const(0)
_ADMITTED = const(1)
_EXECUTED = const(2)
_RESPONSE = VERSION << 16 | KIND_RESPONSE << 8
_EVENT = VERSION << 16 | KIND_EVENT << 8
_MESSAGES = admissions()
_EVENT_SIZES = event_sizes()
_UNKNOWN = (-1, 0, 0)


class LinkServer:
    """`commands.execute(message, frame, reply)` returns a status; it fills the payload of `reply` at HEADER_SIZE.

    `commands.refresh_figures()` comes a tick before it while the pump moves.
    """

    def __init__(self, link, identity, commands):
        self._link = link
        self._identity = identity
        self._commands = commands
        self.session = 0
        self.authenticated = False
        self.host_nonce = bytearray(_NONCE_SIZE)
        self.device_nonce = bytearray(_NONCE_SIZE)
        self._past = [bytearray(_NONCE_SIZE) for _ in range(_PAST_NONCES)]
        self._past_at = 0
        self.sequence = 0
        self.last_session = 0
        self.last_sequence = 0
        self.last_status = 0
        self._ring = RxRing(link)
        # A frame of a STOP's size, without its 00.
        self._stop_frame = bytearray(EMPTY_SIZE - 1)
        self._stops_ahead = 0
        self._put_off = False
        self._stage = _DONE
        self._status = 0
        self._size = 0
        self._keeps = False
        self._frame = bytearray(FRAME_MAX + 3)
        self._plain = bytearray(HEADER_SIZE + 48 + CRC_SIZE)
        self._wire = bytearray(FRAME_MAX + 3)
        self._wire_length = 0
        self._kept = bytearray(FRAME_MAX + 3)
        self._kept_length = 0
        self._kept_request = bytearray(FRAME_MAX + 3)
        self._kept_request_length = 0
        self.event = bytearray(HEADER_SIZE + 48 + CRC_SIZE)
        self._event_wire = bytearray(FRAME_MAX + 3)
        self._event_sequence = 0

    def poll(self, moving=False):
        """Reads what has come, acts on any STOP in it, and answers at most one frame: NOTHING, READ or ANSWERED.

        While the pump moves it goes one stage on with a frame.
        """
        ring = self._ring
        came = ring.read()
        if came:
            self._look_for_stop(ring)
        frame = self._frame
        if self._stage == _DONE:
            if ring.empty():
                self._stops_ahead = 0
                return NOTHING
            self._put_off = came and moving and not self._put_off
            if self._put_off:
                return READ
            length = ring.take_frame(frame)
            if length == 0 or unseal(frame, length) < 0 or frame[AT_KIND] != KIND_REQUEST:
                return READ
            self._admit(frame)
            if moving:
                self._commands.refresh_figures()
                return ANSWERED
        if self._stage == _ADMITTED:
            self._stage = _EXECUTED
            self._execute(frame)
            if moving:
                return ANSWERED
        if self._stage == _EXECUTED:
            self._stage = _DONE
            self._answer(frame)
        return ANSWERED

    def poll_for_stop(self):
        """Between two ticks: reads what has come and acts on any STOP in it; all else waits for the tick."""
        ring = self._ring
        if ring.read():
            self._look_for_stop(ring)

    def _look_for_stop(self, ring):
        stop = self._stop_frame
        while ring.look_ahead(EMPTY_SIZE - 1, stop):
            # No byte of version, kind and message is 0, so COBS leaves them in their places.
            if (
                stop[1 + AT_MESSAGE] == codes.REQUEST_STOP
                and stop[1 + AT_KIND] == KIND_REQUEST
                and unseal(stop, EMPTY_SIZE - 1) == 0
            ):
                self._stops_ahead += 1
                self._commands.stop_motion()

    def stop_ahead(self):
        """Whether a STOP has come that has not been answered: nothing may start to move before it."""
        return self._stops_ahead > 0

    def _admit(self, frame):
        """Whether it is to be executed, to be refused, or is answered already: the stage that it has then reached."""
        message = frame[AT_MESSAGE]
        if message == codes.REQUEST_STOP and self._stops_ahead:
            self._stops_ahead -= 1
        admission, request_size, self._size = _MESSAGES.get(message, _UNKNOWN)
        self._keeps = False
        if admission == OPEN:
            if frame[AT_LENGTH] != request_size:
                self._refuse(codes.STATUS_BAD_LENGTH)
            elif message == codes.REQUEST_HELLO and not self._hello(frame):
                self._refuse(codes.STATUS_WRONG_SESSION)
            else:
                self._stage = _ADMITTED
            return
        if frame[AT_VERSION] >> 4 != VERSION_MAJOR:
            self._refuse(codes.STATUS_VERSION)
            return
        if self.session == 0 or get_u16(frame, AT_SESSION) != self.session:
            self._refuse(codes.STATUS_WRONG_SESSION)
            return
        size = HEADER_SIZE + frame[AT_LENGTH]
        sequence = get_u16(frame, AT_SEQUENCE)
        if sequence == self.sequence and self._is_kept(frame, size):
            self._link.write(self._kept, self._kept_length)
            return
        if sequence != self.sequence % 65_535 + 1:
            put_u16(self._plain, HEADER_SIZE, self.sequence)
            self._refuse(codes.STATUS_WRONG_SEQUENCE, 2)
            return
        # The sequence advances before the command runs: whatever happens in it, it is not run again.
        self.sequence = sequence
        self.last_session = self.session
        self.last_sequence = sequence
        kernels.copy(frame, size, self._kept_request)
        self._kept_request_length = size
        self._keeps = True
        if admission < 0:
            self._refuse(codes.STATUS_UNKNOWN_MESSAGE)
        elif frame[AT_LENGTH] != request_size:
            self._refuse(codes.STATUS_BAD_LENGTH)
        elif admission == THERAPY and not self.authenticated:
            self._refuse(codes.STATUS_NOT_AUTHENTICATED)
        else:
            self._stage = _ADMITTED

    def _refuse(self, status, size=0):
        self._stage = _EXECUTED
        self._status = status
        self._size = size
        if self._keeps:
            self.last_status = status

    def _execute(self, frame):
        self._status = status = self._commands.execute(frame[AT_MESSAGE], frame, self._plain)
        if status:
            self._size = 0
        if self._keeps:
            self.last_status = status

    def _answer(self, frame):
        self._reply(frame, self._status, self._size)
        if self._keeps:
            kernels.copy(self._wire, self._wire_length, self._kept)
            self._kept_length = self._wire_length

    def _hello(self, frame):
        """Opens a session, or stays in the one that this very HELLO opened; False for a nonce of a past one."""
        if self.session and self._same_nonce(self.host_nonce, frame):
            return True
        for past in self._past:
            if self._same_nonce(past, frame) and self.session:
                return False
        past = self._past[self._past_at]
        self._past_at = (self._past_at + 1) % _PAST_NONCES
        for index in range(_NONCE_SIZE):
            past[index] = self.host_nonce[index]
            self.host_nonce[index] = frame[HEADER_SIZE + index]
        self._identity.entropy(self.device_nonce)
        number = self.device_nonce[0] | self.device_nonce[1] << 8
        if number == 0 or number == self.session or number == self.last_session:
            number = number % 65_535 + 1
            if number == self.session or number == self.last_session:
                number = number % 65_535 + 1
        self.session = number
        self.sequence = 0
        self.authenticated = False
        self._kept_request_length = 0
        return True

    def _same_nonce(self, nonce, frame):
        for index in range(_NONCE_SIZE):
            if nonce[index] != frame[HEADER_SIZE + index]:
                return False
        return True

    def _is_kept(self, frame, size):
        return size == self._kept_request_length and kernels.same(self._kept_request, frame, size)

    def _reply(self, frame, status, length):
        plain = self._plain
        sequence = frame[AT_SEQUENCE] | frame[AT_SEQUENCE + 1] << 8
        kernels.put_header(plain, _RESPONSE | frame[AT_MESSAGE], self.session, sequence)
        plain[AT_STATUS] = status
        self._wire_length = seal(plain, length, self._wire)
        self._link.write(self._wire, self._wire_length)

    def send_event(self, message):
        """Sends the payload in `event`; False when there is no room now."""
        if self.session == 0:
            return False
        event = self.event
        sequence = (self._event_sequence + 1) & 0xFFFF
        kernels.put_header(event, _EVENT | message, self.session, sequence)
        event[AT_STATUS] = 0
        length = seal(event, _EVENT_SIZES[message], self._event_wire)
        if not self._link.write(self._event_wire, length):
            return False
        self._event_sequence = sequence
        return True
