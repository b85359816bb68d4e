"""The operator at a served pump: changes the syringe when the client confirms a new one.

Over `flushsim://` the client does this itself. A client of a serial port cannot, and its second run would find the
syringe of the first one empty.
"""

from flushlink.messages import FRAME_MAX, KIND_REQUEST
from flushpump.wire import codec
from flushpump.wire.messages import Question

from flushsim.rig.base import PumpRig

_PATH_SET = codec.REQUESTS["PATH_SET"]
_CONTINUE = codec.REQUESTS["CONTINUE"]


class VirtualOperator:
    """Reads the bytes to the pump, and changes the simulated syringe accordingly."""

    def __init__(self, rig: PumpRig) -> None:
        self._rig = rig
        self._partial = b""

    def watch(self, data: bytes) -> None:
        """Bytes on their way to the pump, in any pieces."""
        *ends, self._partial = (self._partial + data).split(b"\0")
        self._partial = self._partial[-FRAME_MAX:]
        for end in ends:
            loaded_ml = _loaded_ml(end)
            if loaded_ml > 0 and self._rig.plant.stepper.queued_us() == 0:
                self._rig.plant.change_syringe(loaded_ml)


def _loaded_ml(encoded: bytes) -> float:
    """The content of the new syringe that the frame confirms; 0 if it confirms none."""
    try:
        frame = codec.decode_frame(encoded)
        if frame.kind != KIND_REQUEST:
            return 0.0
        if frame.message == _PATH_SET.number:
            loaded_nl = _PATH_SET.unpack(frame.payload)["syringe_loaded_nl"]
        elif frame.message == _CONTINUE.number:
            answer = _CONTINUE.unpack(frame.payload)
            changed = answer["question"] == Question.SYRINGE_CHANGED and answer["answer"]
            loaded_nl = answer["syringe_loaded_nl"] if changed else 0
        else:
            return 0.0
    except ValueError:
        return 0.0
    return int(loaded_nl) / 1e6
