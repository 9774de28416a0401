"""EventBridge's status events on their way to ExecutionEnded: best effort, in any order, once or twice or never."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation.step_functions import Execution

# The queue hands a message over so often; then it goes to the dead-letter queue.
RECEIVES = 5


@dataclass
class StatusEvent:
    """An execution failed or was aborted."""

    name: str
    request: str
    error: str
    receives: int = 0


@dataclass
class StatusEvents:
    """The events that nobody has looked at yet; `handler` says whether it is done with one."""

    handler: Callable[[StatusEvent], bool]
    waiting: list[StatusEvent] = field(default_factory=list)
    past: list[StatusEvent] = field(default_factory=list)
    on_dead: Callable[[StatusEvent], None] = lambda event: None

    def tell(self, execution: Execution) -> None:
        """What EventBridge does when an execution did not succeed."""
        self.waiting.append(StatusEvent(execution.name, execution.input, execution.error))

    def deliver(self, index: int) -> None:
        """Hand over one of the waiting events, not always the oldest."""
        event = self.waiting.pop(index % len(self.waiting))
        event.receives += 1
        if self.handler(event):
            self.past.append(event)
        elif event.receives < RECEIVES:
            self.waiting.append(event)
        else:
            self.on_dead(event)

    def deliver_again(self, index: int) -> None:
        """A duplicate of an event that was looked at before."""
        event = self.past[index % len(self.past)]
        if not self.handler(event):
            self.on_dead(event)

    def lose(self, index: int) -> StatusEvent:
        """It never arrives."""
        return self.waiting.pop(index % len(self.waiting))
