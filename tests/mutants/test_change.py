"""A change is found by its symbol wherever that stands, however its lines are broken, and says when it is gone."""

from pathlib import Path

import pytest

from mutants.change import Change, javascript, lua, python, script
from mutants.fault import DoesNotApplyError

VOICE = """\
LIMIT = 3


class Voice:
    def say(self, text: str) -> None:
        if self.mute or not text:  # è
            return
        self.write(text, loud=True)
        self.write("end")
"""
REPORT = """\
local LIMIT = 3

-- if nothing is written
local function write(item)
  if held ~= fence and
    item then return end
  redis.call('DEL', item,
    'other')
  tell(item)
end

write(1)
"""
FORM = """\
export class Form {
  clear() {
    this.remove("one");
    this.add("two");
  }
}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in {
        "worker/tidings_worker/attempt/reporter.py": VOICE,
        "core/tidings/store/lua/attempts/report.lua": REPORT,
        "static/page/forms/form.js": FORM,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("change", "sound", "broken"),
    [
        (python("Voice.say").swap("loud=True", "loud=False"), "loud=True", "loud=False"),
        (python("reporter:LIMIT").swap("3", "4"), "LIMIT = 3", "LIMIT = 4"),
        (python("Voice.say").cut(", loud=True"), ", loud=True", ""),
        (python("Voice.say").drop("loud"), "self.write(text, loud=True)", "pass"),
        (python("Voice.say").never("not text"), "self.mute or not text:", "False:"),
        (python("Voice").always("self.mute"), "self.mute or not text:", "True:"),
        (
            python("Voice.say").replace('write("end")', 'self.end()\nself.write("")'),
            'self.write("end")',
            'self.end()\n        self.write("")',
        ),
        (lua("write").never("held ~= fence"), "held ~= fence and\n    item", "false"),
        (lua("write").drop("redis.call('DEL'"), "redis.call('DEL', item,\n    'other')", ""),
        (lua("report:LIMIT").swap("3", "4"), "LIMIT = 3", "LIMIT = 4"),
        (script("report").drop("write(1)"), "\nwrite(1)", "\n"),
        (javascript("Form.clear").drop('"one"'), 'this.remove("one");', ""),
    ],
)
def test_each_way_to_change_a_symbol(tree: Path, change: Change, sound: str, broken: str) -> None:
    made = change.make(tree)
    assert made.place.text.count(sound) == 1
    assert made.broken == made.place.text.replace(sound, broken)


def test_a_symbol_may_be_moved_and_its_lines_be_broken_elsewhere(tree: Path) -> None:
    change = python("Voice.say").swap("write(text, loud=True)", "write(text)")
    moved = tree / "core/tidings/spoken/out.py"
    moved.parent.mkdir()
    moved.write_text(VOICE.replace("(text, loud=True)", "(\n            text,\n            loud=True,\n        )"))
    (tree / "worker/tidings_worker/attempt/reporter.py").unlink()
    made = change.make(tree)
    assert made.place.file == moved
    assert made.broken == VOICE.replace("(text, loud=True)", "(text)")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (python("Voice.hear").cut("text"), "Voice.hear is defined 0 times"),
        (python("speaker:Voice.say").cut("text"), "speaker:Voice.say is defined 0 times"),
        (python("Voice.say").cut("quiet"), "'quiet' stands there 0 times"),
        (python("Voice.say").cut("self.write"), "'self.write' stands there 2 times"),
        (python("Voice.say").cut("ext"), "'ext' stands there 0 times"),
        (python("Voice.say").never("loud"), "holds 'loud'"),
        (python("Voice.say").swap("loud=True", "loud = True"), "is what it would become"),
        (python("LIMIT").drop("3 class Voice"), "'3 class Voice' stands there 0 times"),
        (lua("write").drop("fence"), "named by its beginning"),
        (lua("write").never("tell"), "no condition holds 'tell'"),
    ],
)
def test_a_change_that_cannot_be_made_says_so(tree: Path, change: Change, why: str) -> None:
    with pytest.raises(DoesNotApplyError, match=why):
        change.make(tree)


def test_a_name_that_two_files_define_needs_its_file(tree: Path) -> None:
    (tree / "core/tidings/other.py").write_text(VOICE)
    with pytest.raises(DoesNotApplyError, match=r"2 times, not once: core/tidings/other\.py, worker"):
        python("Voice.say").cut(", loud=True").make(tree)
    assert python("tidings/other:Voice.say").cut(", loud=True").make(tree).place.file.name == "other.py"
