{{ config(materialized='windowed', owner_column='portfolio_id') }}

with daily_values as (
    select * from {{ ref('fact_portfolio_value_daily') }}
    where {{ in_scope('portfolio_id') }}
),

risk_free as (
    select * from {{ ref('int_risk_free_carried') }}
),

trading_days as (
    select
        daily_values.portfolio_id,
        daily_values.business_date,
        daily_values.twr_index / lag(daily_values.twr_index) over by_day - 1 as period_return,
        risk_free.risk_free_return
    from daily_values
    left join risk_free on daily_values.business_date = risk_free.date_day
    where daily_values.is_trading_day
    window by_day as (partition by daily_values.portfolio_id order by daily_values.business_date)
),

risk as (
    select
        portfolio_id,
        {{ ordered('stddev_samp', 'period_return', 'business_date') }} * sqrt(252) as volatility_annual,
        {{ ordered('avg', 'period_return - risk_free_return', 'business_date') }}
        / nullif({{ ordered('stddev_samp', 'period_return - risk_free_return', 'business_date') }}, 0)
        * sqrt(252) as sharpe
    from trading_days
    group by portfolio_id
),

peaks as (
    select
        portfolio_id,
        business_date,
        twr_index,
        max(twr_index) over so_far as peak_index,
        arg_max(business_date, twr_index) over so_far as peak_date
    from daily_values
    window so_far as (partition by portfolio_id order by business_date)
),

troughs as (
    select
        portfolio_id,
        min(twr_index / peak_index - 1) as max_drawdown,
        arg_min(peak_date, twr_index / peak_index - 1) as max_drawdown_peak,
        arg_min(business_date, twr_index / peak_index - 1) as max_drawdown_trough,
        arg_min(peak_index, twr_index / peak_index - 1) as max_drawdown_peak_index
    from peaks
    group by portfolio_id
),

recoveries as (
    select
        troughs.portfolio_id,
        min(peaks.business_date) as max_drawdown_recovery
    from troughs
    inner join peaks
        on
            troughs.portfolio_id = peaks.portfolio_id
            and troughs.max_drawdown_trough < peaks.business_date
            and troughs.max_drawdown_peak_index <= peaks.twr_index
    group by troughs.portfolio_id
),

totals as (
    select
        portfolio_id,
        max(business_date) as as_of,
        min(business_date) as first_date,
        arg_max(total_value, business_date) as total_value,
        sum(inflow) - sum(outflow) as net_contributions,
        sum(n_fx_transactions) + arg_max(n_fx_missing, business_date) > 0 as is_fx_missing,
        count(*) filter (where n_missing + n_fx_missing + n_fx_transactions > 0) as n_uncovered_days,
        arg_max(twr_index, business_date) - 1 as twr
    from daily_values
    group by portfolio_id
),

external_flows as (
    select
        daily_values.portfolio_id,
        daily_values.business_date,
        daily_values.outflow - daily_values.inflow
        + case when daily_values.business_date = totals.as_of then daily_values.total_value else 0 end as amount
    from daily_values
    inner join totals using (portfolio_id)
    where
        daily_values.inflow <> 0
        or daily_values.outflow <> 0
        or daily_values.business_date = totals.as_of
),

money_weighted as (
    select
        portfolio_id,
        xirr(
            list(business_date order by business_date),
            list(cast(amount as double) order by business_date)
        ) as answer
    from external_flows
    group by portfolio_id
),

final as (
    select
        totals.portfolio_id,
        'SINCE_INCEPTION' as period,
        totals.as_of,
        totals.first_date,
        {{ money('totals.total_value') }} as total_value,
        {{ money('totals.net_contributions') }} as net_contributions,
        totals.twr,
        case
            when totals.as_of - totals.first_date >= 365
                then power(1 + totals.twr, 365.0 / (totals.as_of - totals.first_date)) - 1
        end as twr_annual,
        case when not totals.is_fx_missing then money_weighted.answer.rate end as xirr,
        case when totals.is_fx_missing then 'FX_MISSING' else money_weighted.answer.status end as xirr_status,
        cast(totals.n_uncovered_days as integer) as n_uncovered_days,
        risk.volatility_annual,
        risk.sharpe,
        troughs.max_drawdown,
        case when troughs.max_drawdown < 0 then troughs.max_drawdown_peak end as max_drawdown_peak,
        case when troughs.max_drawdown < 0 then troughs.max_drawdown_trough end as max_drawdown_trough,
        case when troughs.max_drawdown < 0 then recoveries.max_drawdown_recovery end as max_drawdown_recovery
    from totals
    inner join troughs using (portfolio_id)
    left join risk using (portfolio_id)
    left join recoveries using (portfolio_id)
    left join money_weighted using (portfolio_id)
)

select * from final
