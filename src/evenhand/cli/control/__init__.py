"""`evenhand tenants`, `drift`, `reload`, `audit`: the operator's hand on a running gateway.

Lives here: the commands and how they print.
May import: the configuration and the admin listener's pages; typer for the terminal.
Promises: what a command says is done is done; what is refused changed nothing, and the words say why.
"""
