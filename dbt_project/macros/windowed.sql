{#
A table that can be built in part. Without variables it is an ordinary table. With `from` and `to` its rows of those
days are built, with `portfolios` those of these portfolios, with `left_out` those of all but these, as
`<model>__window`; and `<model>` becomes the view of those plus the published rows outside them, so that all downstream models and tests see the full history. Only the part
is published. A table that belongs to no portfolio is built whole where a part is of portfolios.
#}
{% materialization windowed, adapter="duckdb", supported_languages=["sql"] %}
  {%- set target_relation = this.incorporate(type="table") -%}
  {%- set existing = adapter.get_relation(database=this.database, schema=this.schema, identifier=this.identifier) -%}
  {%- set part = built_part(config.get("date_column"), config.get("owner_column")) -%}
  {{ run_hooks(pre_hooks) }}
  {%- if existing is not none -%}
    {%- do adapter.drop_relation(existing) -%}
  {%- endif -%}
  {%- if part is none -%}
    {%- call statement("main") -%}
      {{ create_table_as(False, target_relation, sql) }}
    {%- endcall -%}
  {%- else -%}
    {%- set window = this.incorporate(path={"identifier": this.identifier ~ "__window"}, type="table") -%}
    {%- set published = api.Relation.create(database=this.database, schema="published", identifier=this.identifier) -%}
    {%- set windowed_sql -%}
      select * from (
{{ sql }}
      ) as built
      where {{ part }}
    {%- endset -%}
    {%- set target_relation = this.incorporate(type="view") -%}
    {%- do adapter.drop_relation(window) -%}
    {%- call statement("window") -%}
      {{ create_table_as(False, window, windowed_sql) }}
    {%- endcall -%}
    {%- set columns = adapter.get_columns_in_relation(window) | map(attribute="quoted") | join(", ") -%}
    {%- call statement("main") -%}
      create view {{ target_relation }} as
      select {{ columns }} from {{ window }}
      {% if is_mounted(published) -%}
      union all
      select {{ columns }} from {{ published }}
      where not ({{ part }})
      {%- endif %}
    {%- endcall -%}
  {%- endif -%}
  {{ run_hooks(post_hooks) }}
  {%- do adapter.commit() -%}
  {{ return({"relations": [target_relation] if part is none else [target_relation, window]}) }}
{% endmaterialization %}

{#
Whether a table is mounted. Asked of the database: dbt's cache takes a schema that it was not told of for known as soon
as it has seen its first table, so that of two threads the second may be told that a table is not there.
#}
{% macro is_mounted(relation) -%}
  {%- set found = run_query(
    "select 1 from information_schema.tables where table_schema = '" ~ relation.schema
    ~ "' and table_name = '" ~ relation.identifier ~ "'"
  ) -%}
  {{ return(found | length > 0) }}
{%- endmacro %}

{# Which rows of a table are built, as a condition; none if all are. #}
{% macro built_part(date_column, owner_column) -%}
  {%- set conditions = [] -%}
  {%- if (var("portfolios") is not none or var("left_out")) and owner_column -%}
    {%- do conditions.append(in_scope(owner_column)) -%}
  {%- endif -%}
  {%- if date_column and var("from") is not none and (var("portfolios") is none or owner_column) -%}
    {%- do conditions.append(in_window(date_column)) -%}
  {%- endif -%}
  {{ return(conditions | join(" and ") if conditions else none) }}
{%- endmacro %}

{# Whether a portfolio is one that is built; always, if all are. #}
{% macro in_scope(column) -%}
{%- if var("portfolios") is none -%} true
{%- elif var("portfolios") -%} {{ column }} in ('{{ var("portfolios") | join("', '") }}')
{%- else -%} false
{%- endif -%}
{%- if var("left_out") %} and {{ column }} not in ('{{ var("left_out") | join("', '") }}'){%- endif -%}
{%- endmacro %}

{# Whether a day is in the window that is built; always, if there is none. #}
{% macro in_window(column) -%}
{%- if var("from") is none -%} true
{%- else -%} {{ column }} between date '{{ var("from") }}' and date '{{ var("to") }}'
{%- endif -%}
{%- endmacro %}

{# The later of a day and the window's first one, or some days before that; the day itself if there is no window. #}
{% macro window_start(day, days_before=0) -%}
{%- if var("from") is none -%} {{ day }}
{%- else -%} greatest({{ day }}, date '{{ var("from") }}' - {{ days_before }})
{%- endif -%}
{%- endmacro %}

{# The earlier of a day and the window's last one; the day itself if there is no window. #}
{% macro window_end(day) -%}
{%- if var("to") is none -%} {{ day }} {%- else -%} least({{ day }}, date '{{ var("to") }}') {%- endif -%}
{%- endmacro %}

{#
What a generic test reads (dbt asks this macro): of a table that was built for some portfolios, their rows; those of the
others were tested when they were built. Otherwise all rows.
#}
{% macro get_where_subquery(relation) -%}
  {%- if execute and (var("portfolios") is not none or var("left_out"))
    and load_relation(relation.incorporate(path={"identifier": relation.identifier ~ "__window"})) is not none -%}
    {{ return("(select * from " ~ relation ~ " where " ~ in_scope("portfolio_id") ~ ") as in_scope") }}
  {%- endif -%}
  {{ return(relation) }}
{%- endmacro %}
