"""Which attributes are links, as data.

What each means is said by the HTML standard in the section of its element, and by SVG 2,
section 16.2.
"""

import re

from downloader.links.model import Kind

#: HTML: attributes that are one address. Those with conditions are read by code of their own.
ADDRESSES: dict[str, tuple[tuple[str, Kind], ...]] = {
    "a": (("href", Kind.ANCHOR),),
    "area": (("href", Kind.ANCHOR),),
    "img": (("src", Kind.IMAGE), ("longdesc", Kind.REFERENCE)),
    "source": (("src", Kind.MEDIA),),
    "video": (("src", Kind.MEDIA), ("poster", Kind.IMAGE)),
    "audio": (("src", Kind.MEDIA),),
    "track": (("src", Kind.TRACK),),
    "iframe": (("src", Kind.FRAME), ("longdesc", Kind.REFERENCE)),
    "frame": (("src", Kind.FRAME), ("longdesc", Kind.REFERENCE)),
    "embed": (("src", Kind.OBJECT),),
    "object": (("data", Kind.OBJECT),),
    "form": (("action", Kind.FORM),),
    "button": (("formaction", Kind.FORM),),
    "input": (("formaction", Kind.FORM),),
    "blockquote": (("cite", Kind.REFERENCE),),
    "q": (("cite", Kind.REFERENCE),),
    "ins": (("cite", Kind.REFERENCE),),
    "del": (("cite", Kind.REFERENCE),),
    **dict.fromkeys(
        ("body", "table", "thead", "tbody", "tfoot", "tr", "td", "th"),
        (("background", Kind.IMAGE),),
    ),
}
SRCSETS = {"img": "srcset", "source": "srcset", "link": "imagesrcset"}

#: What scripts that load late put an address into: of the element's own kind, or of an image.
LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy")
LAZY_PICTURES = ("data-poster", "data-bg", "data-background", "data-background-image")
LAZY_SRCSETS = ("data-srcset", "data-lazy-srcset")
LAZY_KINDS = {
    "img": Kind.IMAGE,
    "input": Kind.IMAGE,
    "source": Kind.MEDIA,
    "video": Kind.MEDIA,
    "audio": Kind.MEDIA,
    "iframe": Kind.FRAME,
    "embed": Kind.OBJECT,
    "object": Kind.OBJECT,
    "script": Kind.SCRIPT,
}
#: What looks like an address, and what looks like that of an image.
PLAUSIBLE = re.compile(r"""(?=[^?#]*[./])[^\s<>{}"'\\]+""")
PICTURE = re.compile(r"[^?#\s]+\.(?:png|jpe?g|gif|webp|avif|svg|bmp)(?:[?#]\S*)?", re.IGNORECASE)

#: SVG: attributes whose value is CSS and may name another file (SVG 2, 6.6).
PRESENTATION = (
    *("fill", "stroke", "filter", "mask", "clip-path", "cursor"),
    *("marker", "marker-start", "marker-mid", "marker-end"),
)
SVG = {
    "a": Kind.ANCHOR,
    "image": Kind.IMAGE,
    "feimage": Kind.IMAGE,
    "script": Kind.SCRIPT,
    "font-face-uri": Kind.FONT,
    **dict.fromkeys(
        (
            *("use", "pattern", "lineargradient", "radialgradient", "textpath", "mpath", "filter"),
            *("animate", "animatemotion", "animatetransform", "set", "discard", "tref", "cursor"),
        ),
        Kind.GRAPHIC,
    ),
}

#: Types of ``link`` (HTML standard, 4.6.7).
ICONS = {"icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon", "fluid-icon"}
HINTS = {"prefetch", "prerender", "preconnect", "dns-prefetch"}
RELATIONS = {
    *("alternate", "amphtml", "appendix", "author", "bookmark", "canonical", "chapter"),
    *("contents", "copyright", "first", "glossary", "help", "home", "index", "last", "license"),
    *("next", "prev", "previous", "section", "shortlink", "start", "top", "up"),
}
PRELOADED = {
    "image": Kind.IMAGE,
    "style": Kind.STYLESHEET,
    "script": Kind.SCRIPT,
    "worker": Kind.SCRIPT,
    "font": Kind.FONT,
    "audio": Kind.MEDIA,
    "video": Kind.MEDIA,
    "track": Kind.TRACK,
    "document": Kind.FRAME,
    "embed": Kind.OBJECT,
    "object": Kind.OBJECT,
}
#: Types of ``style`` and ``script`` that are read as CSS and JavaScript (MIME Sniffing, 4.6).
SHEETS = {"", "text/css"}
SCRIPTS = re.compile(
    r"(?:text/(?:javascript(?:1\.[0-5])?|jscript|livescript|ecmascript|x-(?:java|ecma)script)"
    r"|application/(?:x-)?(?:java|ecma)script)?"
)

#: Which elements of HTML can have links, beside anchors, as CSS selectors.
ELEMENTS = (
    *(
        f"{name}[{attribute}]"
        for name in ADDRESSES
        if name != "a"
        for attribute, _ in ADDRESSES[name]
    ),
    *(f"{name}[{attribute}]" for name, attribute in SRCSETS.items()),
    *("a[ping]", "area[ping]", "link[href]", "input[src]", "iframe[srcdoc]", "[style]"),
    *("style", "script", "meta", "noscript"),
)
