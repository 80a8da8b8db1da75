"""Events between securities, and changes of cost without a trade; what they need of a row.

Why: a spin-off, a merger or a return of capital was to be recorded as money from outside, which made false flows and
false returns. Cost goes along with the rows of one event: `basis_share` says how much of it, `cost_effect` what an
adjustment adds. Both enter a row's hash only where they are set, so that old hashes stay. Accrued interest may be
negative: who buys a bond in its ex-coupon days is paid by the seller, who keeps the coupon.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"

LEDGER = """
alter table transaction_ledger
    drop constraint transaction_ledger_accrued_check,
    add column cost_effect numeric(28, 8),
    add column basis_share numeric(18, 8) check (basis_share between 0 and 1),
    drop constraint transaction_ledger_txn_type_check,
    add constraint transaction_ledger_txn_type_check check (
        txn_type in ('BUY', 'SELL', 'DEPOSIT', 'WITHDRAW', 'FEE', 'DIVIDEND', 'COUPON', 'INTEREST', 'TAX',
                     'TRANSFER_IN', 'TRANSFER_OUT', 'SPLIT', 'BONUS', 'RETURN_OF_CAPITAL', 'COST_ADJUSTMENT',
                     'SPIN_OFF', 'RIGHTS', 'MERGER', 'EXCHANGE', 'CASH_IN_LIEU', 'REVERSAL')
    ),
    add check (txn_type <> 'CASH_IN_LIEU' or (quantity is not null and price is not null and gross is not null)),
    add check (txn_type <> 'COST_ADJUSTMENT' or cost_effect is not null),
    add check (
        txn_type not in ('SPIN_OFF', 'RIGHTS', 'MERGER', 'EXCHANGE')
        or (security_id is not null and (basis_share is not null or (quantity is not null and transfer_id is not null)))
    );
create index events_between_securities on transaction_ledger (portfolio_id, security_id, transfer_id)
    where txn_type in ('SPIN_OFF', 'RIGHTS', 'MERGER', 'EXCHANGE');
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(LEDGER)
