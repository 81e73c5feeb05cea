"""chokepoint: the root command. A verb is a file in `commands/`; nothing of it is imported before it is called.

Exit codes: 0 done, 1 a defect of ours, 2 usage, 3 invalid scenario, 4 some runs failed, 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from _thread import interrupt_main
from collections.abc import Sequence
from threading import Timer
from typing import Any

import click

_FOLDER = os.path.join(os.path.dirname(__file__), "commands")

_ORDER = {
    "One run": ("run", "compare", "explain", "report", "cite", "viz"),
    "Scenarios": ("list", "new", "validate", "diff", "schema"),
    "Many runs": ("sweep", "ensemble", "resume", "extend", "status", "query", "export"),
    "Questions": ("sensitivity", "discover", "attribute", "search", "screen", "calibrate", "backtest", "forecast", "verify"),
}
"""How the help groups verbs; any other goes under Tools."""


class Verbs(click.Group):
    """The verbs found in the folder `commands/`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(name[:-3].replace("_", "-") for name in os.listdir(_FOLDER)
                      if name.endswith(".py") and not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        from importlib import import_module

        command: click.Command = import_module(f"experiments.commands.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]
                        ) -> tuple[str | None, click.Command | None, list[str]]:
        verbs = self.list_commands(ctx)
        if args and args[0] not in verbs and not args[0].startswith("-"):
            from sim.errors import nearest

            raise click.UsageError(f'"{args[0]}" is no verb; {nearest(args[0], verbs)}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        left = self.list_commands(ctx)
        for title, order in (*_ORDER.items(), ("Tools", tuple(left))):
            verbs = [verb for verb in order if verb in left]
            left = [verb for verb in left if verb not in verbs]
            if verbs:
                with formatter.section(title):
                    formatter.write_dl([(verb, _summary(verb)) for verb in verbs])


def _summary(verb: str) -> str:
    """First sentence of a verb's module docstring, read from the file: importing it would cost more than the help."""
    with open(os.path.join(_FOLDER, f"{verb.replace('-', '_')}.py"), encoding="utf-8") as file:
        line = file.readline().strip().strip('"')
    said = line.partition(": ")[2] or line
    return (said[:1].upper() + said[1:]).split(". ")[0].rstrip(".")


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
               epilog="Start with: chokepoint run history. Every verb has --help.")
@click.version_option(package_name="chokepoint", prog_name="chokepoint")
def app() -> None:
    """Simulate the AI-chip trade under export controls: what a rule does, to whom, and through which channel."""


_UNSEEN = 50_000
"""Objects made before Python looks for cycles among them; its usual 700 looks 365 times while a world is read and run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line; the exit code. Whatever goes wrong is told in words."""
    gc.set_threshold(_UNSEEN)
    sys.unraisablehook = _heard
    try:
        said = app.main(arguments, prog_name="chokepoint", standalone_mode=False)
        sys.stdout.flush()
        return said if isinstance(said, int) else 0
    except click.ClickException as error:
        return _tell(_with_hint(error), 2)
    except (KeyboardInterrupt, click.Abort):
        return _tell("interrupted; nothing was written", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _tell(_refused(error) if error.strerror else _defect(error), 4 if error.strerror else 1)
    except Exception as error:
        from sim.errors import ChokepointError  # here: the help would wait for it at the top

        known = isinstance(error, ChokepointError)
        return _tell(str(error) if known else _defect(error), getattr(error, "exit_code", 1) if known else 1)


def _heard(lost: Any) -> None:
    """An interrupt that falls into a finaliser, where Python drops it, is given again when that has ended."""
    if issubclass(lost.exc_type, KeyboardInterrupt):
        Timer(0.05, interrupt_main).start()
    else:
        sys.__unraisablehook__(lost)


def _tell(text: str, code: int) -> int:
    print(f"\n{text}" if code == 130 else text, file=sys.stderr)
    return code


def _with_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f"\nTry: {context.command_path} --help" if context is not None else ""
    return error.format_message() + hint


def _refused(error: OSError) -> str:
    """What a disk that is full, read-only or not there said; nothing is half-written, as files are renamed when whole."""
    what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"cannot read or write {what}. What is finished is safe; try again where there is room and leave to write."


def _defect(error: Exception) -> str:
    """One line that a report of the defect can quote."""
    if os.environ.get("CHOKEPOINT_TRACEBACK"):
        import traceback

        return "".join(traceback.format_exception(error))
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" at {os.path.basename(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno}" if frame else ""
    return (f"a defect of chokepoint, not of your input: {type(error).__name__}: {error}{where}\n"
            "Please report it with the command; CHOKEPOINT_TRACEBACK=1 shows where it came from.")


if __name__ == "__main__":
    sys.exit(main())
