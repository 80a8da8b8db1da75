{#
A table with days that can be built for a window. Without a window it is an ordinary table. With `from` and `to` its
rows of those days are built as `<model>__window`, and `<model>` becomes the view of those plus the published rows
outside them, so that all downstream models and tests see the full history. Only the window is published.
#}
{% materialization windowed, adapter="duckdb", supported_languages=["sql"] %}
  {%- set date_column = config.require("date_column") -%}
  {%- set target_relation = this.incorporate(type="table") -%}
  {%- set existing = adapter.get_relation(database=this.database, schema=this.schema, identifier=this.identifier) -%}
  {{ run_hooks(pre_hooks) }}
  {%- if existing is not none -%}
    {%- do adapter.drop_relation(existing) -%}
  {%- endif -%}
  {%- if var("from") is none -%}
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
      where {{ date_column }} between date '{{ var("from") }}' and date '{{ var("to") }}'
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
      {% if load_relation(published) is not none -%}
      union all
      select {{ columns }} from {{ published }}
      where {{ date_column }} not between date '{{ var("from") }}' and date '{{ var("to") }}'
      {%- endif %}
    {%- endcall -%}
  {%- endif -%}
  {{ run_hooks(post_hooks) }}
  {%- do adapter.commit() -%}
  {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}
