"""Ctrl-C that takes effect at a safe moment."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType, TracebackType

logger = logging.getLogger("hawkesjax")


class Interrupts:
    """The first Ctrl-C asks to stop at the next `pause`; the second one stops at once.

    An interrupt in the middle of compiled code or of a callback can be lost or can crash the
    process, so the first one is only recorded. Outside the main thread, or if the signal already
    has a handler, nothing is changed.
    """

    def __init__(self) -> None:
        self.asked = False
        self._ours = False

    def __enter__(self) -> Interrupts:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._ours = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        logger.warning("Stopping after this block; Ctrl-C again stops at once.")

    def pause(self) -> None:
        """Stop here if the user asked for it.

        Raises:
            KeyboardInterrupt: after a Ctrl-C.
        """
        if self.asked:
            raise KeyboardInterrupt
