"""All records of one database in one value, for whoever wires the house together."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.records.accounts import Accounts
from assistant.records.audit import Audit
from assistant.records.customers import Customers
from assistant.records.decisions import Decisions
from assistant.records.drafts import Conversations, Drafts
from assistant.records.inbox import Inbox
from assistant.records.outbox import Outbox
from assistant.records.recalls import Recalls
from assistant.records.staff import ApiTokens, Staff
from assistant.records.tickets import Tickets
from assistant.records.uploads import Uploads
from assistant.records.uses import Uses
from assistant.records.wecom_tokens import WecomTokens
from knowledge.stores.database import Database


@dataclass(frozen=True)
class Records:
    """Writes that take a connection join the transaction of `database.writing()`; reads open their own.

    A read inside a writing block does not see what that block has written.
    """

    database: Database
    inbox: Inbox
    outbox: Outbox
    drafts: Drafts
    conversations: Conversations
    decisions: Decisions
    audit: Audit
    staff: Staff
    customers: Customers
    tickets: Tickets
    api_tokens: ApiTokens
    wecom_tokens: WecomTokens
    uploads: Uploads
    accounts: Accounts
    recalls: Recalls
    uses: Uses

    @classmethod
    def of(cls, database: Database) -> Records:
        """The records kept in `database`."""
        return cls(
            database,
            Inbox(database),
            Outbox(database),
            Drafts(database),
            Conversations(database),
            Decisions(database),
            Audit(database),
            Staff(database),
            Customers(database),
            Tickets(database),
            ApiTokens(database),
            WecomTokens(database),
            Uploads(database),
            Accounts(database),
            Recalls(database),
            Uses(database),
        )
