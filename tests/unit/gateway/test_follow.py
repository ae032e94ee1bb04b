"""Files that grow, rotate, are cut and replaced: every complete line once."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from gateway.follow import follow, last_reading
from gateway.history import status
from gateway.queue import Queue
from gateway.sources import CsvSource
from tests.unit.gateway.conftest import NOON
from tests.unit.gateway.test_config import CSV

HEADER = "time,m3\n"


def line(number: int) -> str:
    return f"2026-03-01T{number // 60:02d}:{number % 60:02d}:00Z,{number}\n"


class Site:
    """A folder that some logger writes, and a gateway that looks at it."""

    def __init__(self, folder: Path, queue: Queue) -> None:
        self.file = folder / "data.csv"
        self.queue = queue
        self.source = CsvSource.model_validate({**CSV, "path": folder / "data*.csv*"})

    def look(self) -> list[str]:
        return follow(self.source, self.queue, lambda: NOON, lambda: False)

    def append(self, *numbers: int) -> None:
        with self.file.open("a") as file:
            file.writelines(line(n) for n in numbers)

    def got(self) -> list[float]:
        rows = self.queue.waiting(100_000, live=False)
        return [json.loads(r.body)["values"]["intake_m3"] for r in rows]


@pytest.fixture
def site(tmp_path: Path, queue: Queue) -> Site:
    folder = tmp_path / "logs"
    folder.mkdir()
    made = Site(folder, queue)
    made.file.write_text(HEADER)
    return made


def test_appended_lines_come_once(site: Site) -> None:
    assert site.look() == []
    site.append(1, 2)
    site.look()
    site.look()
    site.append(3)
    site.look()
    assert site.got() == [1, 2, 3]


def test_a_restart_neither_loses_nor_repeats(site: Site, tmp_path: Path) -> None:
    site.append(*range(10))
    site.look()
    site.queue.close()
    site.queue = Queue(tmp_path / "queue.db")
    site.append(10)
    site.look()
    assert site.got() == list(range(11))
    site.queue.close()


def test_a_half_written_line_waits(site: Site) -> None:
    with site.file.open("a") as file:
        file.write(line(1) + line(123)[:-3])  # ..., 1 instead of 123
        file.flush()
        site.look()
        assert site.got() == [1]
        file.write("23\n")
    site.look()
    assert site.got() == [1, 123]


def test_a_half_written_header_waits(site: Site) -> None:
    site.file.write_text("time,")
    assert site.look() == []
    site.file.write_text("time,m3\n" + line(1))
    site.look()
    assert site.got() == [1]


def test_rotation_by_renaming_finishes_the_old_file_first(site: Site) -> None:
    site.source = site.source.model_copy(update={"path": site.file})  # the pattern has one name
    site.append(1, 2)
    site.look()
    site.append(3)  # not seen before the rotation
    site.file.rename(site.file.with_name("old.1"))
    os.utime(site.file.with_name("old.1"), (1, 1))
    site.file.write_text(HEADER)
    site.append(4)
    site.look()
    assert site.got() == [1, 2, 3, 4]
    site.look()
    assert site.got() == [1, 2, 3, 4]


def test_rotation_by_copying_and_cutting(site: Site) -> None:
    site.append(1, 2)
    site.look()
    site.append(3)
    shutil.copyfile(site.file, site.file.with_name("data.csv.1"))
    os.utime(site.file.with_name("data.csv.1"), (1, 1))
    site.file.write_text(HEADER)
    site.append(4, 5, 6, 7)  # longer than the place where it was left
    site.look()
    assert site.got() == [1, 2, 3, 4, 5, 6, 7]


def test_a_file_that_was_cut_starts_anew(site: Site) -> None:
    site.append(1, 2, 3)
    site.look()
    site.file.write_text(HEADER + line(4))
    site.look()
    assert site.got() == [1, 2, 3, 4]


def test_a_file_that_an_editor_saved_under_a_new_inode_goes_on(site: Site) -> None:
    site.append(1, 2)
    site.look()
    copy = site.file.with_name("tmp")
    copy.write_text(site.file.read_text() + line(3))
    copy.rename(site.file)
    site.look()
    assert site.got() == [1, 2, 3]


def test_bad_rows_are_kept_with_their_reason(site: Site) -> None:
    site.append(1)
    with site.file.open("ab") as file:
        file.write(b"2026-03-01T00:02:00Z,abc\n\xff\xfe,3\n\n" + line(4).encode())
    assert site.look() == []
    assert site.got() == [1, 4]
    kept = Path(f"{site.file}.rejects").read_text().splitlines()
    assert kept[0].startswith("not_a_number: m3: got 'abc'")
    assert kept[0].endswith("\t2026-03-01T00:02:00Z,abc")
    assert kept[1].startswith("encoding: line: got b'\\xff")
    assert len(kept) == 2
    assert site.look() == []  # the rejects are no source, although the pattern matches them
    told = {r["name"]: r["value"] for r in status(site.queue)}
    assert (told["device.c.rejected"], told["device.c.readings"]) == (2, 2)


def test_a_file_larger_than_one_step(site: Site) -> None:
    site.append(*range(1, 1440))
    for _ in range(3):
        site.file.write_text(site.file.read_text() + "".join(line(n) for n in range(1440)))
    assert site.file.stat().st_size > 2 * 65_536
    site.look()
    assert site.got() == [*range(1, 1440), *(list(range(1440)) * 3)]


def test_an_endless_line_is_rejected_not_waited_for(site: Site) -> None:
    with site.file.open("a") as file:
        file.write("9" * 70_000 + "\n" + line(2))
    site.look()
    assert site.got() == [2]


def test_gbk_with_windows_line_ends(site: Site) -> None:
    site.source = site.source.model_copy(
        update={"encoding": "gbk", "time_column": "时间", "channels": {"用水量": "intake_m3"}}
    )
    site.file.write_bytes("时间,用水量\r\n2026-03-01T00:01:00Z,7\r\n".encode("gbk"))
    assert site.look() == []
    assert site.got() == [7]


def test_byte_order_mark(site: Site) -> None:
    site.file.write_bytes(b"\xef\xbb\xbf" + (HEADER + line(5)).encode())
    assert site.look() == []
    assert site.got() == [5]


def test_faults_name_the_file(site: Site) -> None:
    site.file.write_text("time,volume\n" + line(1))
    (fault,) = site.look()
    assert fault.startswith("data.csv: columns: got")
    site.file.unlink()
    assert "no file matches" in site.look()[0]


def test_dry_look_remembers_nothing(site: Site) -> None:
    site.append(1, 2)
    reading, faults = last_reading(site.source)
    assert reading is not None
    assert (reading.values, faults) == ({"intake_m3": 2.0}, [])
    assert site.queue.positions("c") == []
