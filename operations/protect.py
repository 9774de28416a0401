"""What ends `make deploy`: a stack whose table is protected from deletion is protected as a whole.

A table's protection alone keeps the table: CloudFormation meets it half way through, when all else is gone.
"""

from operations import deployment
from operations.account import connect
from operations.errors import AwsError, Undone, in_words
from operations.results import Say
from operations.stacks import find


def protect(environment: str, say: Say) -> None:
    """Give the stack of an environment with DeletionProtection=true termination protection. Raises NotBegun, Undone."""
    plan = deployment.read(environment)
    if plan.parameters.get("DeletionProtection") != "true":
        return
    account = connect(plan.region)
    stack = find(account, plan.stack_name)
    if not stack.protected:
        try:
            account.client("cloudformation").update_termination_protection(
                StackName=stack.name, EnableTerminationProtection=True
            )
        except AwsError as error:
            raise Undone(f"{in_words(error)} {stack.name} is deployed, and without termination protection.") from error
    say(f"{stack.name} has termination protection: nothing of it is deleted until that is taken off.")
