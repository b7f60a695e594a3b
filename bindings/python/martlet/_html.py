"""The bounded HTML of batches and tables in notebooks."""

_ROWS, _COLUMNS, _TEXT = 10, 20, 80


def html_of(data):
    """A table of the first rows and columns, with the types, and the shape."""
    import html
    columns = list(zip(data.schema, data.columns))[:_COLUMNS]

    def cell(value):
        text = "" if value is None else str(value)
        return html.escape(text if len(text) <= _TEXT else text[:_TEXT] + "…")

    more = "<th>…</th>" if data.num_columns > _COLUMNS else ""
    head = "".join(f"<th>{cell(f.name)}<br><small>{cell(f.type)}</small></th>" for f, _ in columns) + more
    lists = [c.slice(0, _ROWS).to_pylist() for _, c in columns]
    rows = "".join("<tr>" + "".join(f"<td>{cell(v)}</td>" for v in row) + "</tr>" for row in zip(*lists))
    shape = f"{data.num_rows:,} rows × {data.num_columns} columns"
    return f"<div><small>{shape}</small><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
