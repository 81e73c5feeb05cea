"""Mesa's core comes without the libraries that a world of columns never uses, and the rest of Mesa still works."""

from __future__ import annotations

import subprocess
import sys

NOT_NEEDED = "assert not {'pandas', 'scipy.spatial', 'mesa.space', 'mesa.batchrunner'} & set(sys.modules), sorted(sys.modules)"


def _runs(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_world_is_imported_without_pandas_and_scipys_spaces() -> None:
    _runs(f"import sys, sim.world; {NOT_NEEDED}")


def test_what_was_left_out_is_there_when_asked_for() -> None:
    _runs("import sim.mesa_core, mesa\n"
          "class Clock(mesa.Model):\n"
          "    def __init__(self):\n"
          "        super().__init__()\n"
          "        self.datacollector = mesa.DataCollector({'steps': lambda model: model.steps})\n"
          "    def step(self):\n"
          "        self.datacollector.collect(self)\n"
          "        self.running = self.steps < 3\n"
          "clock = Clock()\n"
          "clock.run_model()\n"
          "assert list(clock.datacollector.get_model_vars_dataframe()['steps']) == [1, 2, 3]\n"
          "assert mesa.space.MultiGrid(2, 2, True).width == 2\n"
          "assert len(mesa.batch_run(Clock, {}, display_progress=False)) == 1\n")


def test_it_is_the_same_mesa_whoever_imports_it_first() -> None:
    _runs("import mesa, sim.mesa_core\nassert sim.mesa_core.Model is mesa.Model and sim.mesa_core.Agent is mesa.Agent\n")
    _runs("import sim.mesa_core, mesa\nassert sim.mesa_core.Model is mesa.Model and sim.mesa_core.Agent is mesa.Agent\n")


def test_mesas_loggers_have_their_names_and_the_stack_is_whole_again() -> None:
    _runs("import inspect, sim.mesa_core, mesa.mesa_logging as told\n"
          "def asked(): return inspect.stack()[1].function\n"
          "def asks(): return asked()\n"
          "assert (*sorted(told._module_loggers), asks()) == ('mesa.mesa_logging', 'mesa.model', 'asks')\n")
