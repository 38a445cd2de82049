"""Which attributes are links, as data.

What each means is said by the HTML standard in the section of its element, and by SVG 2,
section 16.2.
"""

import re

from downloader.links.model import LinkKind

#: HTML: attributes that are one address. Those with conditions are read by code of their own.
ADDRESSES: dict[str, tuple[tuple[str, LinkKind], ...]] = {
    "a": (("href", LinkKind.ANCHOR),),
    "area": (("href", LinkKind.ANCHOR),),
    "img": (("src", LinkKind.IMAGE), ("longdesc", LinkKind.REFERENCE)),
    "source": (("src", LinkKind.MEDIA),),
    "video": (("src", LinkKind.MEDIA), ("poster", LinkKind.IMAGE)),
    "audio": (("src", LinkKind.MEDIA),),
    "track": (("src", LinkKind.TRACK),),
    "iframe": (("src", LinkKind.FRAME), ("longdesc", LinkKind.REFERENCE)),
    "frame": (("src", LinkKind.FRAME), ("longdesc", LinkKind.REFERENCE)),
    "embed": (("src", LinkKind.OBJECT),),
    "object": (("data", LinkKind.OBJECT),),
    "form": (("action", LinkKind.FORM),),
    "button": (("formaction", LinkKind.FORM),),
    "input": (("formaction", LinkKind.FORM),),
    "blockquote": (("cite", LinkKind.REFERENCE),),
    "q": (("cite", LinkKind.REFERENCE),),
    "ins": (("cite", LinkKind.REFERENCE),),
    "del": (("cite", LinkKind.REFERENCE),),
    **dict.fromkeys(
        ("body", "table", "thead", "tbody", "tfoot", "tr", "td", "th"),
        (("background", LinkKind.IMAGE),),
    ),
}
SRCSETS = {"img": "srcset", "source": "srcset", "link": "imagesrcset"}

#: What scripts that load late put an address into: of the element's own kind, or of an image.
LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy")
LAZY_PICTURES = ("data-poster", "data-bg", "data-background", "data-background-image")
LAZY_SRCSETS = ("data-srcset", "data-lazy-srcset")
LAZY_KINDS = {
    "img": LinkKind.IMAGE,
    "input": LinkKind.IMAGE,
    "source": LinkKind.MEDIA,
    "video": LinkKind.MEDIA,
    "audio": LinkKind.MEDIA,
    "iframe": LinkKind.FRAME,
    "embed": LinkKind.OBJECT,
    "object": LinkKind.OBJECT,
    "script": LinkKind.SCRIPT,
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
    "a": LinkKind.ANCHOR,
    "image": LinkKind.IMAGE,
    "feimage": LinkKind.IMAGE,
    "script": LinkKind.SCRIPT,
    "font-face-uri": LinkKind.FONT,
    **dict.fromkeys(
        (
            *("use", "pattern", "lineargradient", "radialgradient", "textpath", "mpath", "filter"),
            *("animate", "animatemotion", "animatetransform", "set", "discard", "tref", "cursor"),
        ),
        LinkKind.GRAPHIC,
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
    "image": LinkKind.IMAGE,
    "style": LinkKind.STYLESHEET,
    "script": LinkKind.SCRIPT,
    "worker": LinkKind.SCRIPT,
    "font": LinkKind.FONT,
    "audio": LinkKind.MEDIA,
    "video": LinkKind.MEDIA,
    "track": LinkKind.TRACK,
    "document": LinkKind.FRAME,
    "embed": LinkKind.OBJECT,
    "object": LinkKind.OBJECT,
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
