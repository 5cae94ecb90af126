"""The page where one signs in: plain HTML that works without scripts and without other files."""

from html import escape

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Sign in · Evenhand</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
body {{ display: grid; place-items: center; min-height: 100vh; margin: 0; }}
main {{ width: min(24rem, 100vw - 3rem); }}
h1 {{ font-size: 1.4rem; margin: 0 0 .2rem; }}
p {{ margin: 0 0 1.2rem; opacity: .8; }}
label {{ display: block; font-weight: 600; margin-bottom: .3rem; }}
input, button {{ box-sizing: border-box; width: 100%; font: inherit; padding: .6rem .7rem;
  border: 1px solid #8888; border-radius: .4rem; }}
button {{ margin-top: .8rem; font-weight: 600; cursor: pointer; background: #2457c5; color: #fff; }}
[role=alert] {{ border-left: .25rem solid #d33; padding-left: .7rem; opacity: 1; }}
:focus-visible {{ outline: 3px solid #6ea0ff; outline-offset: 1px; }}
</style>
<main>
<h1>Evenhand</h1>
<p>Sign in with an admin credential, or with your own API key to see your tenant's page.</p>
{alert}<form method="post" action="/signin">
<label for="credential">Credential or API key</label>
<input id="credential" name="credential" type="password" autocomplete="current-password" required
 autofocus spellcheck="false" maxlength="8192">
<input type="hidden" name="next" value="{next_page}">
<button>Sign in</button>
</form>
</main>
</html>
"""


def sign_in_form(next_page: str, problem: str | None = None) -> str:
    """The whole page; `problem` is why the last attempt was no good."""
    alert = f'<p role="alert">{escape(problem)}</p>\n' if problem else ""
    return _PAGE.format(alert=alert, next_page=escape(next_page))
