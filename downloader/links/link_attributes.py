"""The attributes that hold links, as data.

Sources: the HTML standard in the section of each element, and SVG 2, section 16.2.
"""

import re

from downloader.links.model import LinkKind

#: HTML: attributes that are one URL, by element. ``ElementScanner`` has those with conditions.
URL_ATTRIBUTES: dict[str, tuple[tuple[str, LinkKind], ...]] = {
    "a": (("href", LinkKind.ANCHOR),),
    "area": (("href", LinkKind.ANCHOR),),
    "img": (("src", LinkKind.IMAGE), ("longdesc", LinkKind.METADATA)),
    "source": (("src", LinkKind.MEDIA),),
    "video": (("src", LinkKind.MEDIA), ("poster", LinkKind.IMAGE)),
    "audio": (("src", LinkKind.MEDIA),),
    "track": (("src", LinkKind.TRACK),),
    "iframe": (("src", LinkKind.FRAME), ("longdesc", LinkKind.METADATA)),
    "frame": (("src", LinkKind.FRAME), ("longdesc", LinkKind.METADATA)),
    "embed": (("src", LinkKind.OBJECT),),
    "object": (("data", LinkKind.OBJECT),),
    "form": (("action", LinkKind.FORM),),
    "button": (("formaction", LinkKind.FORM),),
    "input": (("formaction", LinkKind.FORM),),
    "blockquote": (("cite", LinkKind.METADATA),),
    "q": (("cite", LinkKind.METADATA),),
    "ins": (("cite", LinkKind.METADATA),),
    "del": (("cite", LinkKind.METADATA),),
    **dict.fromkeys(
        ("body", "table", "thead", "tbody", "tfoot", "tr", "td", "th"),
        (("background", LinkKind.IMAGE),),
    ),
}
#: HTML: attributes that are a list of image candidates, by element.
SRCSET_ATTRIBUTES = {"img": "srcset", "source": "srcset", "link": "imagesrcset"}

#: Attributes from which lazy-loading scripts take a URL: of the element's own kind, or of an image.
LAZY_URL_ATTRIBUTES = ("data-src", "data-original", "data-lazy-src", "data-lazy")
LAZY_IMAGE_ATTRIBUTES = ("data-poster", "data-bg", "data-background", "data-background-image")
LAZY_SRCSET_ATTRIBUTES = ("data-srcset", "data-lazy-srcset")
#: Elements that can load a resource; others with a lazy attribute show an image.
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
#: Texts that look like a URL, and like the URL of an image.
PLAUSIBLE_URL = re.compile(r"""(?=[^?#]*[./])[^\s<>{}"'\\]+""")
IMAGE_URL = re.compile(r"[^?#\s]+\.(?:png|jpe?g|gif|webp|avif|svg|bmp)(?:[?#]\S*)?", re.IGNORECASE)

#: SVG: attributes whose value is CSS and may name another file (SVG 2, 6.6).
SVG_CSS_ATTRIBUTES = (
    *("fill", "stroke", "filter", "mask", "clip-path", "cursor"),
    *("marker", "marker-start", "marker-mid", "marker-end"),
)
#: SVG: what ``href`` is for, by element.
SVG_KINDS = {
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
        LinkKind.SVG_ELEMENT,
    ),
}

#: Link types of the ``link`` element (HTML standard, 4.6.7).
ICON_TYPES = {"icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon", "fluid-icon"}
HINT_TYPES = {"prefetch", "prerender", "preconnect", "dns-prefetch"}
RELATED_TYPES = {
    *("alternate", "amphtml", "appendix", "author", "bookmark", "canonical", "chapter"),
    *("contents", "copyright", "first", "glossary", "help", "home", "index", "last", "license"),
    *("next", "prev", "previous", "section", "shortlink", "start", "top", "up"),
}
#: The kind of file that ``rel=preload`` loads, by its ``as`` attribute.
PRELOAD_KINDS = {
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
#: ``type`` of ``style`` and ``script`` that is CSS and JavaScript (MIME Sniffing, 4.6).
STYLE_TYPES = {"", "text/css"}
SCRIPT_TYPE = re.compile(
    r"(?:text/(?:javascript(?:1\.[0-5])?|jscript|livescript|ecmascript|x-(?:java|ecma)script)"
    r"|application/(?:x-)?(?:java|ecma)script)?"
)

#: CSS selectors of the HTML elements that can have links, except ``a[href]``.
LINK_SELECTORS = (
    *(
        f"{name}[{attribute}]"
        for name in URL_ATTRIBUTES
        if name != "a"
        for attribute, _ in URL_ATTRIBUTES[name]
    ),
    *(f"{name}[{attribute}]" for name, attribute in SRCSET_ATTRIBUTES.items()),
    *("a[ping]", "area[ping]", "link[href]", "input[src]", "iframe[srcdoc]", "[style]"),
    *("style", "script", "meta", "noscript"),
)
