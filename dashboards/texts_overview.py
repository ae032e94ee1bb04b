"""Titles and descriptions of the overview: what it is, formula, source, refresh."""

from __future__ import annotations

OVERVIEW: dict[str, tuple[str, str]] = {
    "overview.title": ("Park overview", "园区总览"),
    "overview.description": (
        "Green-power share against the promise, current load, enterprises off course, and how far "
        "the data can be trusted.",
        "绿电占比与目标、当前负荷、偏离目标的企业，以及数据可信程度。",
    ),
    "share.title": ("Green share of the park, year to date", "园区绿电占比（年初至今）"),
    "share.description": (
        "Share of green electricity in all electricity used since 1 January, whole park, whatever "
        "enterprises are selected.\n\n"
        "S3 claimable = (physical + settled green trades + cancelled certificates) / use. "
        "S1 physical = (on-site PV and wind + direct supply − green export) / use. "
        "Target path: straight line from 1 January to the year-end goal.\n\n"
        "S3 and path: the last day whose month is settled (trades and certificates arrive a month "
        "late); S1: up to now. Source: indicator values, recomputed every run of the worker.",
        "自1月1日起绿色电力占全部用电量的比例；统计整个园区，不随所选企业变化。\n\n"
        "S3 可声明 =（物理绿电 + 已结算绿电交易 + 已核销绿证）/ 用电量；"
        "S1 物理 =（厂内光伏、风电 + 绿电直连 − 绿电上网）/ 用电量。"
        "目标路径：从年初到年末目标的直线。\n\n"
        "S3 与路径取最近一个已结算月份的末日（绿电交易与绿证滞后约一个月），S1 取至今。"
        "来源：指标值，随计算任务更新。",
    ),
    "gap.title": ("Gap to path", "与路径差距"),
    "gap.description": (
        "Settled share minus target path of the same day, in percentage points; negative: behind. "
        "The share is the one by which the goal is read (S3 unless the park says S1). "
        "Source: indicator values.",
        "已结算占比减去同日目标路径，单位为个百分点；负值表示落后。"
        "占比口径按园区目标设定（默认 S3）。来源：指标值。",
    ),
    "required.title": ("Needed share", "后续需达占比"),
    "required.description": (
        "Share needed over the rest of the year to reach the year-end goal, if consumption per day "
        "stays at its average so far: (goal − f × share) / (1 − f), f = elapsed part of the year. "
        "Above 100 %: out of reach without further trades or certificates. Source: indicator "
        "values.",
        "若日均用电量保持年内平均水平，剩余时间需达到的绿电占比：（目标 − f × 占比）/（1 − f），"
        "f 为全年已过比例。超过 100 % 表示不追加绿电交易或绿证便无法完成。来源：指标值。",
    ),
    "load_now.title": ("Current load", "当前负荷"),
    "load_now.description": (
        "Mean power of the selected enterprises in the newest quarter-hour of the last two hours "
        "for which most of them have complete data: 4 × (import + direct + on-site + discharge − "
        "charge − export). Source: 15-minute intervals.",
        "所选企业最近两小时内数据最齐全的最新15分钟平均功率："
        "4 ×（网购 + 直连 + 厂内发电 + 放电 − 充电 − 上网）。来源：15分钟电量。",
    ),
    "alerts_now.title": ("Alerts", "告警"),
    "alerts_now.description": (
        "Alerts of the park and the selected enterprises that are open or accepted but not yet "
        "resolved; pending ones are not counted. Source: alert list below.",
        "园区及所选企业未处理和已受理、尚未解除的告警数，不含待确认。来源：下方告警列表。",
    ),
    "data.title": ("Can the data be trusted?", "数据可信度"),
    "data.description": (
        "Kind of data: “Simulated” means that no real meter stands behind any number here. "
        "Slowest enterprise: time since its last reading. Silent channels: nothing for three "
        "sampling periods (at least 15 minutes). Source: newest reading per channel.",
        "数据性质：“模拟数据”表示本页所有数字均非真实表计所采。"
        "最滞后企业：其最近一次读数距今时间。静默通道：连续三个采样周期（至少15分钟）无数据的通道数。"
        "来源：各通道最新读数。",
    ),
    "share_path.title": ("Green share against the target path", "绿电占比与目标路径"),
    "share_path.description": (
        "Year-to-date share of the park at the end of each day: S3 claimable (dashed: months whose "
        "trades are not settled yet), S1 physical, and the path to the goal (dashed orange). Grey: "
        "part of the metered energy that was estimated. A day that cannot be told is a gap. "
        "Source: indicator values.",
        "园区每日末的年初至今占比：S3 可声明（虚线为尚未结算的月份）、"
        "S1 物理，以及目标路径（橙色虚线）。"
        "灰色虚线：估算电量占计量电量的比例。无法判断的日期留空。来源：指标值。",
    ),
    "alerts.title": ("Open alerts", "未解除告警"),
    "alerts.description": (
        "What is off course now, worst first: rule, who, value and target at the last check, since "
        "when. Each opened one e-mail to the contacts. Source: alerts.",
        "当前偏离目标的事项，按严重程度排序：规则、对象、最近一次检查的实际值与目标值、触发时间。"
        "触发时已邮件通知联系人。来源：告警。",
    ),
    "alerts.none": ("no open alerts", "暂无告警"),
    "load.title": ("Load by source", "负荷与电源构成"),
    "load.description": (
        "Mean power of the selected enterprises, 15 minutes or longer bins. Stacked: where the "
        "electricity comes from; charging and export are negative, so the stack sums to the load. "
        "The load line breaks where a balance channel has no value. Dashed grey: estimated part. "
        "Source: 15-minute intervals, power = 4 × kWh.",
        "所选企业的平均功率（15分钟或更长）。堆叠面积为电力来源，充电与上网为负，合计等于总负荷。"
        "任一平衡通道缺数时总负荷线断开。灰色虚线：估算部分。"
        "来源：15分钟电量，功率 = 4 × 电量。",
    ),
    "enterprises.title": ("Enterprises against their targets", "企业目标完成情况"),
    "enterprises.description": (
        "Furthest behind first. S3 and gap to the own path: calendar year up to the last settled "
        "month; S1: up to now. Energy "
        "and water: use per tonne over the last 7 days against the target, positive = uses more. "
        "Dash: no target, or it cannot be told. Source: indicator values.",
        "落后者在前。S3 与差距：年初至最近已结算月份；S1：年初至今。"
        "电耗、水耗：近7日单位产品消耗与目标的偏差，"
        "正值表示超出目标。“–”：无目标或无法判断。来源：指标值。",
    ),
    "enterprises.none": ("no enterprises yet", "暂无企业"),
    "energy_intensity.title": ("Electricity per tonne, last 7 days", "单位产品电耗（近7日）"),
    "energy_intensity.description": (
        "kWh of electricity used per tonne of product, last 7 local days, worst first. vs target = "
        "actual / target − 1. Complete: closed balances of those due; estimated: part of the "
        "metered amounts. Source: indicator values.",
        "近7日每吨产品用电量，偏差大者在前。偏差 = 实际值 / 目标值 − 1。"
        "完整率：已闭合平衡占应有比例；估算率：计量量中估算部分。来源：指标值。",
    ),
    "energy_intensity.none": ("cannot tell", "无法判断"),
    "water_intensity.title": ("Water per tonne, last 7 days", "单位产品水耗（近7日）"),
    "water_intensity.description": (
        "m³ of water taken per tonne of product, last 7 local days, worst first. vs target = "
        "actual / target − 1. Complete: closed balances of those due; estimated: part of the "
        "metered amounts. Source: indicator values.",
        "近7日每吨产品取水量，偏差大者在前。偏差 = 实际值 / 目标值 − 1。"
        "完整率：已闭合平衡占应有比例；估算率：计量量中估算部分。来源：指标值。",
    ),
    "water_intensity.none": ("cannot tell", "无法判断"),
    "freshness.title": ("Data freshness and quality", "数据时效与质量"),
    "freshness.description": (
        "Slowest first. Last reading: newest of all channels of the enterprise. Silent: channels "
        "with nothing for three sampling periods. Complete and estimated: energy balances of the "
        "last 7 days. Source: newest reading per channel, daily balances.",
        "滞后者在前。最近读数：企业所有通道中最新一条。静默通道：连续三个采样周期无数据。"
        "完整率与估算率：近7日电量平衡。来源：各通道最新读数、每日平衡。",
    ),
    "freshness.none": ("no meters yet", "暂无表计"),
    "notes.title": ("How to read this page", "阅读说明"),
    "notes.description": (
        "Definitions, signs and limits of the numbers on this page. Source: project documents.",
        "本页数字的口径、符号与局限。来源：项目文档。",
    ),
    "notes.content": (
        "- **Simulated data**: where the top right says “Simulated”, every number comes from a "
        "simulator, not from a meter, whatever company names are shown.\n"
        "- **Goal**: at least half of the electricity green by year end; the government report "
        "leaves numerator, boundary and period open. Here: calendar year to date, S3, S1 always "
        "beside it. The provincial grid mix never counts.\n"
        "- **Signs**: import, generation and discharge positive; export and charging negative.\n"
        "- **Colours** never speak alone: blue = on course, orange = off course, the sign and the "
        "word say the same; one fixed colour per source; dashed = promised or estimated.\n"
        "- **Gaps stay gaps**: an empty cell or “cannot tell” is missing data, never zero.\n"
        "- Days are local days of the park; the last days of a period are provisional until late "
        "data is in.",
        "- **模拟数据**：右上角显示“模拟数据”时，所有数字均由仿真程序生成，并非表计实测，"
        "与所列企业的真实经营无关。\n"
        "- **目标**：力争年底绿电消纳占比50%以上；政府工作报告未规定分子、边界与统计期。"
        "本页按年初至今、S3 口径统计，并始终并列 S1；省网平均绿电不计入。\n"
        "- **符号**：网购、发电、放电为正；上网、充电为负。\n"
        "- **颜色**：蓝色为正常，橙色为偏离，均同时以正负号或文字表示；各电源颜色固定；"
        "虚线为目标或估算。\n"
        "- **缺数留空**：空白或“无法判断”表示数据缺失，不代表零。\n"
        "- 日期按园区当地时间划分；迟到数据补齐前，近期数值为暂定值。",
    ),
}
