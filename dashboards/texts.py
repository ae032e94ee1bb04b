"""All words of the dashboards, in English and Chinese, one row per text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dashboards.texts_overview import OVERVIEW

Folder = Literal["en", "zh-CN"]

COMMON: dict[str, tuple[str, str]] = {
    "no_value": ("cannot tell", "无法判断"),
    "none": ("–", "–"),
    "never": ("never", "从未"),
    "no_target": ("no target", "未设目标"),
    "all": ("All", "全部"),
    "unit.points": ("suffix: pp", "suffix: 个百分点"),
    "unit.minutes": ("suffix: min", "suffix: 分钟"),
    "variable.park": ("Park", "园区"),
    "variable.enterprise": ("Enterprise", "企业"),
    "annotation.alerts": ("Alerts opened", "告警触发"),
    "series.s1": ("S1 physical", "S1 物理绿电"),
    "series.s3": ("S3 settled", "S3 已结算"),
    "series.s3_open": ("S3 not settled yet", "S3 未结算"),
    "series.s1_short": ("S1", "S1"),
    "series.s3_short": ("S3", "S3"),
    "series.path": ("Target path", "目标路径"),
    "series.load": ("Load", "总负荷"),
    "series.estimated_part": ("Estimated part of data", "估算电量占比"),
    "series.estimated_power": ("of which estimated", "其中：估算"),
    "source.grid_import_kw": ("Grid import", "网购电"),
    "source.direct_supply_kw": ("Direct green supply", "绿电直连"),
    "source.onsite_pv_kw": ("On-site PV", "厂内光伏"),
    "source.onsite_wind_kw": ("On-site wind", "厂内风电"),
    "source.storage_discharge_kw": ("Storage discharge", "储能放电"),
    "source.storage_charge_kw": ("Storage charge (−)", "储能充电（−）"),
    "source.grid_export_kw": ("Grid export (−)", "上网电（−）"),
    "column.enterprise": ("Enterprise", "企业"),
    "column.value": ("Actual", "实际值"),
    "column.target": ("Target", "目标值"),
    "column.deviation": ("vs target", "偏差"),
    "column.value_target": ("Actual / target", "实际 / 目标"),
    "column.gap": ("Gap [pp]", "差距（百分点）"),
    "column.energy": ("Energy dev.", "电耗偏差"),
    "column.water": ("Water dev.", "水耗偏差"),
    "column.severity": ("Severity", "级别"),
    "column.state": ("State", "状态"),
    "column.rule": ("Rule", "规则"),
    "column.opened_at": ("Since", "触发时间"),
    "column.last_reading_at": ("Last reading", "最近读数"),
    "column.behind": ("Behind [min]", "滞后（分钟）"),
    "column.silent": ("Silent", "静默通道"),
    "column.channels": ("Channels", "通道数"),
    "column.completeness": ("Complete", "完整率"),
    "column.estimated": ("Estimated", "估算率"),
    "column.day": ("Up to", "截至"),
    "severity.critical": ("critical", "严重"),
    "severity.warning": ("warning", "预警"),
    "severity.info": ("info", "提示"),
    "state.pending": ("pending", "待确认"),
    "state.firing": ("open", "未处理"),
    "state.acknowledged": ("accepted", "已受理"),
    "rule.green_share_ytd": ("Green share", "绿电占比"),
    "rule.energy_saving": ("Energy saving", "节能"),
    "rule.water_saving": ("Water saving", "节水"),
    "data.kind": ("Kind of data", "数据性质"),
    "data.metered": ("Metered", "实测数据"),
    "data.simulated": ("Simulated", "模拟数据"),
    "data.behind": ("Slowest enterprise", "最滞后企业"),
    "data.silent": ("Silent channels", "静默通道"),
}

_TEXTS = COMMON | OVERVIEW


@dataclass(frozen=True)
class Texts:
    """The words of one language; call it with a key.

    Attributes:
        folder: name of the language and of its folder, e.g. `zh-CN`.
        short: tail of uids and value of the dashboard variable `lang`.
    """

    folder: Folder
    short: Literal["en", "zh"]

    def __call__(self, key: str) -> str:
        """Text of `key`.

        Raises:
            KeyError: nobody wrote it.
        """
        return _TEXTS[key][0 if self.short == "en" else 1]

    def unit(self, unit: str) -> str:
        """Grafana unit; those with words in them have a text `unit.<name>`."""
        return self(f"unit.{unit}") if f"unit.{unit}" in _TEXTS else unit


LANGUAGES = (Texts("en", "en"), Texts("zh-CN", "zh"))
