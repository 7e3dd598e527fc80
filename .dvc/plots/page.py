"""Makes page.html beside it: the page of `dvc plots`, with Vega in it, so that it opens without a network.

Run again only for other versions: what it makes is committed, since DVC has no step that could make it, and
`dvc plots diff` has to work in a fresh clone. DVC's own page takes these libraries from a CDN. (Snakemake
brings a copy too, but unminified, so three times as large, and without the last years' repairs.)

Each package is checked against npm's own digest of it, and the licences go into the page, and so into each
page made of it.
"""

import base64
import hashlib
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGES = {  # the last that read "$schema": v5, and what `npm view <name>@<version> dist.integrity` tells
    ("vega", "5.33.1"):
        "1fArfVDUqVbb5z8n+/nVQb+VNBzx8svY6CrsyTK4Ujm4yrd9I1auoKxBAPXLCavY1LcrbHUskQbGUP8gXOzyQw==",
    ("vega-lite", "5.23.0"):
        "l4J6+AWE3DIjvovEoHl2LdtCUkfm4zs8Xxx7INwZEAv+XVb6kR6vIN1gt3t2gN2gs/y4DYTs/RPoTeYAuEg6mA==",
    ("vega-embed", "6.29.0"):
        "PmlshTLtLFLgWtF/b23T1OwX53AugJ9RZ3qPE2c01VFAbgt3/GSNI/etzA/GzdrkceXFma+FDHNXUppKuM0U6Q==",
}  # fmt: skip
# Of what the three are bundled with, all under this (ISC) or under that (MIT) licence.
OTHERS = """
Bundled with them, under the ISC licence: d3, internmap and topojson-client (Copyright 2010-2023 Mike
Bostock), delaunator (Copyright 2021 Mapbox), semver (Copyright Isaac Z. Schlueter and Contributors).
Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is
hereby granted, provided that the above copyright notice and this permission notice appear in all copies.
THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE
INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF
USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.

And under the MIT licence: fast-json-patch (Copyright (c) 2013, 2014, 2020 Joachim Wester), json-stringify-
pretty-compact (Copyright (c) 2014, 2016, 2017, 2019, 2021, 2022 Simon Lydell). Permission is hereby
granted, free of charge, to any person obtaining a copy of this software and associated documentation files
(the "Software"), to deal in the Software without restriction, including without limitation the rights to
use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright
notice and this permission notice shall be included in all copies or substantial portions of the Software.
THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO
EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN
AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE
OR OTHER DEALINGS IN THE SOFTWARE."""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<!-- The browser is told to ask nothing of any network. Vega compiles its expressions: hence unsafe-eval. -->
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob: file:;
  style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'">
<title>DVC plots</title>
{refresh_tag}
<style>
body {font-family: sans-serif; margin: 1.5em}
body > div {margin-bottom: 2.5em}
.vega-embed summary {opacity: 0.3 !important}
</style>
<!--
%s
-->
%s
</head>
<body>
{plot_divs}
</body>
</html>
"""


def members(name: str, version: str, integrity: str) -> tuple[str, str]:
    """The licence and the minified build of a package."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True)
        data = Path(folder, f"{name}-{version}.tgz").read_bytes()
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != integrity:
        raise SystemExit(f"{name} {version}: is not what npm's digest says")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        texts = {
            member.name: archive.extractfile(member).read().decode()
            for member in archive
            if member.name in ("package/LICENSE", f"package/build/{name}.min.js")
        }
    build = texts[f"package/build/{name}.min.js"].partition("//# sourceMappingURL")[0]
    if any(mark in build for mark in ("</script", "<!--", "{plot_divs}", "{refresh_tag}")):
        raise SystemExit(f"{name} {version}: holds what ends a script, or what DVC replaces")
    return texts.get("package/LICENSE", "").strip(), build.strip()


if __name__ == "__main__":
    notes, scripts = [], []
    for (name, version), integrity in PACKAGES.items():
        licence, build = members(name, version, integrity)
        notes.append(f"{name} {version} (npm's digest: sha512-{integrity})")
        scripts.append(f"<script>{build}</script>")
    # vega 5.33.1 comes without its licence, which reads as vega-embed's does, the last here
    page = PAGE % ("\n".join([*notes, "", licence, OTHERS]), "\n".join(scripts))
    Path(__file__).with_name("page.html").write_text(page, "utf-8", newline="\n")
