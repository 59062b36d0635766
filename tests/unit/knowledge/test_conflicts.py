"""Contradicting figures are found, and what only looks like a contradiction is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from time import perf_counter

import pytest

from assistant.records.migrate import upgrade
from knowledge.conflicts import Conflict, ConflictFinder
from knowledge.documents import DocumentKind, PassageText, Source
from knowledge.sample_bank import load_sample_knowledge
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore

TODAY = date(2026, 11, 23)
# What a paper says that contradicts the sample bank's sheets, or another paper: attribute that must be named.
CONTRADICTIONS = {
    "起购金额 1": ["稳盈90天宣传单\n稳盈90天起购金额1万元，适合三个月不用的钱。"],
    "起购金额 2": ["网点培训材料\n稳盈180天1000元起购，持有满期后每个工作日可赎回。"],
    "起购金额 3": ["厅堂话术\n给客户介绍三年大额存单：起存金额30万元，利率固定。"],
    "起购金额 4": ["基金速览\n产品名称：示范纯债债券A；起购金额（元）：100；风险等级：R2"],
    "风险等级 1": ["一页纸\n示例权益优选属于R3级产品，波动较大。"],
    "风险等级 2": ["产品要素\n产品名称：示例理财稳盈180天持有期；风险等级：R3；期限：180天"],
    "期限 1": ["稳盈90天问答\n稳盈90天最短持有期为60天，到期后可赎回。"],
    "管理费 1": ["费率说明\n稳盈90天的固定管理费为0.30%/年，每天从产品资产中扣除。"],
    "管理费 2": ["要素表\n产品名称：示例理财权益优选；固定管理费率：1.20%；托管费率：0.10%"],
    "托管费 1": ["费率说明\n稳盈180天托管费率为0.05%。"],
    "销售服务费 1": ["费率一览\n产品名称：示例理财稳盈90天持有期；销售服务费（%）：0.40"],
    "申购费 1": ["基金问答\n权益优选申购费为1.5%，买入时收取。"],
    "利率 1": ["利率表\n产品名称：整存整取定期存款；存期：3年；年利率：1.55%"],
    "利率 2": ["厅堂海报\n定期存款一年期年利率1.10%，三年期年利率1.25%。"],
    "利率 3": ["国债宣传\n第11期国债票面年利率为1.93%，每年付息一次。"],
    "持有上限 1": ["稳盈90天通知\n稳盈90天单户持有上限为300万元。"],
    "违约金 1": ["贷款问答\ne贷提前还款违约金为剩余本金的1%。"],
    "起购金额 5": [
        "金鼎月月盈说明书\n本产品起购金额5万元，每月开放一次。",
        "金鼎月月盈宣传单\n起购金额：1万元；期限：30天",
    ],
    "管理费 3": [
        "鸿运一号要素表\n产品名称：鸿运一号集合计划；管理费率：0.50%",
        "代销产品速览\n产品名称：鸿运一号集合计划；管理费率：0.80%",
    ],
    "利率 4": [
        "安居车位贷产品介绍\n安居车位贷的贷款利率为4.35%，最长可分十年还。",
        "安居车位贷话术\n年利率3.85%，手续简单。",
    ],
}
# What may stand beside the sample bank's sheets: the same figure, or a figure of something else.
LOOKALIKES = {
    "the same in other units": ["话术\n三年大额存单起购金额200000元。"],
    "the same in Chinese numerals": ["话术\n三年大额存单二十万元起存。"],
    "the same in basis points": ["利率通知\n三年大额存单年利率155BP。"],
    "another term": ["海报\n整存整取定期存款四年期年利率1.28%。"],
    "another date": ["利率通知\n2025年3月1日公布：整存整取定期存款三年期年利率1.90%。"],
    "another currency": ["外币一览\n整存整取定期存款美元三年期年利率3.10%。"],
    "another group of customers": ["新客活动\n稳盈90天面向新客起购金额5000元。"],
    "another channel": ["渠道说明\n稳盈180天柜面起购金额5万元。"],
    "a range": ["介绍\n权益优选管理费率0.50%-1.00%，以公告为准。"],
    "an example": ["算账\n例如稳盈90天起购金额10万元，按基准测算只是参考。"],
    "the past": ["沿革\n稳盈90天起购金额原为1万元，现已调整。"],
    "another bank": ["比较\n他行同类产品起购金额5万元，稳盈90天门槛低得多。"],
    "a question": ["问答\n稳盈90天起购金额是1万元吗？"],
    "another product of the family": ["要素\n稳盈365天起购金额1万元。"],
    "days and months": ["介绍\n稳盈90天产品期限3个月。"],
    "a tier": ["费率\n权益优选持有不满30天赎回费为0.75%。"],
    "two tiers in one paper": [
        "费率表\n产品名称：示例理财权益优选；申购费：0.40%\n产品名称：示例理财权益优选；申购费：0.20%"
    ],
    "additional purchases": ["说明\n权益优选追加申购起点1000元。"],
    "several products in one sentence": ["对比\n稳盈90天和稳盈180天起购金额分别是1元和100元，利率1.2%。"],
    "another attribute": ["说明\n稳盈90天单日赎回限额50万元，产品成立规模10亿元。"],
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeStore]:
    """The sample bank's knowledge; tests withdraw what they add."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('conflicts')}/wainao.db", checkpoints=True)
    upgrade(database)
    kept = KnowledgeStore(database)
    load_sample_knowledge(kept)
    yield kept
    database.close()


@pytest.fixture(scope="module")
def finder(store: KnowledgeStore) -> ConflictFinder:
    return ConflictFinder(store)


def add(store: KnowledgeStore, name: str, paper: str, **more: object) -> str:
    """A paper whose first line is its title, as rows or sentences."""
    title, _, text = paper.partition("\n")
    options = {"effective_from": date(2026, 1, 1), "uploaded_by": "curator1", **more}
    passages = [PassageText(text, Source(file="paper.docx"))]
    version = store.add_version(name, DocumentKind.OTHER, title, passages, **options)  # type: ignore[arg-type]
    return store.approve(version.version_id, "curator2").version_id


def conflicts_of(store: KnowledgeStore, finder: ConflictFinder, papers: list[str], **more: object) -> list[Conflict]:
    added = [add(store, f"paper-{number}-{hash(paper)}", paper, **more) for number, paper in enumerate(papers)]
    found = finder.find(on=TODAY)
    for version_id in added:
        store.withdraw(version_id, "curator2")
    return found


def test_the_sample_bank_contradicts_itself_nowhere(finder: ConflictFinder) -> None:
    assert finder.find(on=TODAY) == []


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_is_found(store: KnowledgeStore, finder: ConflictFinder, name: str) -> None:
    found = conflicts_of(store, finder, CONTRADICTIONS[name])
    assert [conflict.attribute.split(" · ")[0] for conflict in found] == [name.rsplit(" ", 1)[0]]
    [conflict] = found
    assert len({statement.version_id for statement in conflict.statements}) == 2
    assert len({statement.value for statement in conflict.statements}) == 2
    assert all(statement.quote and statement.passage_id and statement.title for statement in conflict.statements)


@pytest.mark.parametrize("name", LOOKALIKES)
def test_what_only_looks_like_a_contradiction_is_left_alone(
    store: KnowledgeStore, finder: ConflictFinder, name: str
) -> None:
    assert conflicts_of(store, finder, LOOKALIKES[name]) == []


def test_papers_that_nobody_reads_both_do_not_contradict(store: KnowledgeStore, finder: ConflictFinder) -> None:
    here = add(store, "here", "金鼎月月盈说明书\n起购金额：5万元", branches=["east"])
    there = add(store, "there", "金鼎月月盈宣传单\n起购金额：1万元", branches=["west"])
    assert finder.find(on=TODAY) == []
    for version_id in (here, there):
        store.withdraw(version_id, "curator2")


def test_papers_of_a_branch_and_of_one_below_it_are_read_by_the_same_people(store: KnowledgeStore) -> None:
    tree: dict[str, str | None] = {"city": None, "east": "city", "lane": "east", "west": "city"}
    finder = ConflictFinder(store, lambda: tree)
    above = add(store, "above", "金鼎月月盈说明书\n起购金额：5万元", branches=["city"])
    below = add(store, "below", "金鼎月月盈宣传单\n起购金额：1万元", branches=["lane"])
    assert len(finder.find(on=TODAY)) == 1
    tree["east"] = "east"  # a circle ends nowhere, and the lane no longer belongs to the city
    assert finder.find(on=TODAY) == []
    for version_id in (above, below):
        store.withdraw(version_id, "curator2")


def test_only_what_is_in_force_on_the_day_contradicts(store: KnowledgeStore, finder: ConflictFinder) -> None:
    later = add(store, "later", "稳盈90天通知\n稳盈90天起购金额1万元。", effective_from=date(2027, 1, 1))
    assert finder.find(on=TODAY) == []
    assert len(finder.find(on=date(2027, 1, 1))) == 1
    store.withdraw(later, "curator2")
    assert finder.find(on=date(2027, 1, 1)) == []


def test_many_documents_are_looked_through_in_seconds(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/wainao.db", checkpoints=True)
    upgrade(database)
    store = KnowledgeStore(database)
    load_sample_knowledge(store)
    filler = "本期市场回顾：资金面平稳，债券收益率小幅波动，权益市场震荡，投资者应关注自身风险承受能力。" * 4
    with database.writing() as conn:
        for number in range(1_000):
            text = f"{filler}\n产品{number}起购金额1万元，管理费率0.3%。"
            passages = [PassageText(text), PassageText(filler), PassageText(f"{filler}风险等级R2。")]
            version = store.add_version(
                f"d{number}", DocumentKind.OTHER, f"第{number}号周报", passages,
                effective_from=date(2026, 1, 1), uploaded_by="curator1", conn=conn,
            )  # fmt: skip
            store.approve(version.version_id, "curator2", conn=conn)
    finder = ConflictFinder(store)
    begun = perf_counter()
    assert finder.find(on=TODAY) == []
    first = perf_counter() - begun
    begun = perf_counter()
    finder.find(on=TODAY)
    assert first < 10
    assert perf_counter() - begun < 0.05
    database.close()
