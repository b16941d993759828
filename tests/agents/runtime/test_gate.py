"""The gate as a table: who may do what unasked, what asks, what is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agents.runtime.gate import Action, judge
from bot.core.agent import Agent
from bot.core.tool import Risk, Tool
from bot.store.policies import Rule
from tests.fakes.switchboard import OLGA, OTTO, agent
from tests.fakes.vendor import Vendor, tools_of

TOOLS = tools_of(Vendor())
READ = TOOLS["note_read"]
WRITE = TOOLS["none_ask"]
MONEY = TOOLS["pay"]
FETCH = replace(READ, name="fetch", egress=True, outside=True)
BY_RISK = {"read": READ, "fetch": FETCH, "write": WRITE, "money": MONEY}


def states(tool: str, policy: str | None = None) -> Agent:
    """An agent whose file says something about a tool."""
    return agent(policy={BY_RISK[tool].name: policy} if policy else {})


def rules(*decisions: Rule) -> list[Rule]:
    return list(decisions)


@pytest.mark.parametrize(
    ("tool", "file", "rule", "clean", "tainted"),
    [
        # nothing is said: reading runs, writing asks, money asks
        ("read", None, None, "auto", "auto"),
        ("fetch", None, None, "auto", "ask"),
        ("write", None, None, "ask", "ask"),
        ("money", None, None, "ask", "ask"),
        # the agent's file alone
        ("read", "ask", None, "ask", "ask"),
        ("read", "deny", None, "deny", "deny"),
        ("write", "auto", None, "auto", "ask"),
        ("write", "ask", None, "ask", "ask"),
        ("write", "deny", None, "deny", "deny"),
        ("money", "auto", None, "ask", "ask"),
        ("money", "deny", None, "deny", "deny"),
        ("fetch", "auto", None, "auto", "ask"),
        # the tenant's rule alone
        ("read", None, "deny", "deny", "deny"),
        ("read", None, "ask", "ask", "ask"),
        ("write", None, "auto", "auto", "ask"),
        ("write", None, "deny", "deny", "deny"),
        ("money", None, "auto", "auto", "ask"),
        ("money", None, "deny", "deny", "deny"),
        # both: the stricter one
        ("write", "auto", "ask", "ask", "ask"),
        ("write", "auto", "deny", "deny", "deny"),
        ("write", "ask", "auto", "ask", "ask"),
        ("write", "deny", "auto", "deny", "deny"),
        ("write", "deny", "ask", "deny", "deny"),
        ("money", "auto", "ask", "ask", "ask"),
        ("money", "auto", "auto", "auto", "ask"),
        ("read", "auto", "deny", "deny", "deny"),
    ],
)
def test_the_table(tool: str, file: str | None, rule: str | None, clean: str, tainted: str):
    given = rules(Rule(id="r", tool=BY_RISK[tool].name, decision=rule)) if rule else []
    for is_tainted, wanted in ((False, clean), (True, tainted)):
        verdict = judge(states(tool, file), BY_RISK[tool], given, tainted=is_tainted)
        assert verdict.action == wanted
        assert verdict.why or verdict.action is Action.AUTO


def test_money_asks_whatever_is_said_of_all_tools():
    given = rules(Rule(id="r", tool="", decision="auto"))
    assert judge(states("write"), WRITE, given, tainted=False).action is Action.AUTO
    assert judge(states("money"), MONEY, given, tainted=False).action is Action.ASK


def test_in_a_tainted_conversation_the_person_is_told_why_it_asks():
    verdict = judge(states("write", "auto"), WRITE, [], tainted=True)
    assert "text from outside" in verdict.why


def test_a_refusal_names_the_tool_and_money_says_that_it_is_money():
    assert WRITE.name in judge(states("write", "deny"), WRITE, [], tainted=False).why
    assert "Money" in judge(states("money"), MONEY, [], tainted=False).why


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([("", "", "deny"), ("", "none_ask", "auto")], "auto"),
        ([("", "none_ask", "auto"), ("", "", "deny")], "auto"),
        ([("", "none_ask", "deny"), ("bri", "none_ask", "auto")], "auto"),
        ([("bri", "", "deny"), ("", "none_ask", "auto")], "auto"),
        ([("kelly", "none_ask", "auto")], "ask"),
        ([("", "another", "auto")], "ask"),
        ([("bri", "", "auto"), ("", "", "deny")], "auto"),
    ],
)
def test_the_rule_that_names_more_wins(given, wanted: str):
    made = [
        Rule(id=f"r{n}", agent=who, tool=tool, decision=decision)
        for n, (who, tool, decision) in enumerate(given)
    ]
    assert judge(states("write"), WRITE, made, tainted=False).action == wanted


@pytest.mark.parametrize(
    ("amount", "wanted"), [(0, "auto"), (99, "auto"), (100, "ask"), (999, "deny")]
)
def test_the_amount_decides_between_rules(amount: int, wanted: str):
    given = rules(
        Rule(id="a", tool="pay", decision="auto"),
        Rule(id="b", tool="pay", decision="ask", above_minor=100),
        Rule(id="c", tool="pay", decision="deny", above_minor=500),
    )
    verdict = judge(states("money"), MONEY, given, tainted=False, amount_minor=amount)
    assert verdict.action == wanted


def test_a_rule_names_who_decides_how_many_and_for_how_long():
    rule = Rule(id="r", tool="none_ask", approvers=(OLGA, OTTO), needs=2, hours=3)
    verdict = judge(states("write"), WRITE, [rule], tainted=False)
    assert (verdict.approvers, verdict.needs) == ((OLGA, OTTO), 2)
    assert verdict.expires == timedelta(hours=3)


def test_the_approvers_of_a_rule_stand_also_in_a_tainted_conversation():
    rule = Rule(id="r", tool="none_ask", decision="auto", approvers=(OLGA,), needs=2)
    verdict = judge(states("write"), WRITE, [rule], tainted=True)
    assert (verdict.action, verdict.approvers, verdict.needs) == ("ask", (OLGA,), 2)


def test_every_risk_stands_in_the_table():
    assert {tool.risk for tool in BY_RISK.values()} == set(Risk)
    assert isinstance(FETCH, Tool)
