"""Pages of six kinds in five languages, whose main content is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A page and its main content.

    Attributes:
        kind: of page.
        html: the page.
        content: the words of its main content, in order.
        language: ISO 639-1.
    """

    kind: str
    html: str
    content: str
    language: str


#: By language: a headline, and sentences of an article.
_TEXTS: dict[str, tuple[str, list[str]]] = {
    "en": (
        "Harbour bridge reopens after repairs",
        [
            "The bridge over the old harbour opened to traffic again on Monday, three weeks late.",
            "Engineers replaced forty cables, two bearings and most of the railing on the east side.",
            "The work cost nine million, which the city and the region paid in equal shares.",
            "Shop owners on both banks said that they had lost a third of their customers.",
            "A ferry carried people across the water during the closure, every quarter of an hour.",
            "The next inspection is planned for the spring, when the water level is at its lowest.",
        ],
    ),
    "de": (
        "Hafenbrücke nach Reparatur wieder offen",
        [
            "Die Brücke über den alten Hafen ist seit Montag wieder frei, drei Wochen später.",
            "Ingenieure ersetzten vierzig Seile, zwei Lager und den größten Teil des Geländers.",
            "Die Arbeiten kosteten neun Millionen, die sich Stadt und Region zu gleichen Teilen teilen.",
            "Ladenbesitzer auf beiden Ufern verloren nach eigenen Angaben ein Drittel ihrer Kunden.",
            "Während der Sperrung brachte eine Fähre die Leute jede Viertelstunde über das Wasser.",
            "Die nächste Prüfung ist für das Frühjahr geplant, wenn das Wasser am niedrigsten steht.",
        ],
    ),
    "ru": (
        "Мост через гавань снова открыт",
        [
            "Мост через старую гавань снова открылся для движения в понедельник, с опозданием.",
            "Инженеры заменили сорок тросов, две опоры и большую часть перил с восточной стороны.",
            "Работы обошлись в девять миллионов, которые город и область заплатили поровну.",
            "Владельцы магазинов на обоих берегах говорят, что потеряли треть своих покупателей.",
            "Во время закрытия людей через воду каждые четверть часа перевозил паром.",
            "Следующая проверка намечена на весну, когда уровень воды бывает самым низким.",
        ],
    ),
    "ja": (
        "修理を終えた港の橋が再開",
        [
            "古い港にかかる橋は、予定より三週間遅れて、月曜日に再び通行できるようになった。",
            "技術者たちは四十本のケーブルと二つの支承、そして東側の手すりの大半を取り替えた。",
            "工事には九百万かかり、その費用は市と地方が半分ずつ負担した。",
            "両岸の店の主人たちは、客の三分の一を失ったと話している。",
            "通行止めの間は、渡し船が十五分ごとに人々を対岸へ運んだ。",
            "次の点検は、水位が最も低くなる春に予定されている。",
        ],
    ),
    "ar": (
        "إعادة فتح جسر الميناء بعد إصلاحه",
        [
            "أعيد فتح الجسر فوق الميناء القديم أمام حركة المرور يوم الاثنين، بعد تأخير ثلاثة أسابيع.",
            "استبدل المهندسون أربعين كابلا ومحملين ومعظم الدرابزين على الجانب الشرقي.",
            "كلفت الأعمال تسعة ملايين، دفعتها المدينة والمنطقة بالتساوي.",
            "قال أصحاب المتاجر على الضفتين إنهم فقدوا ثلث زبائنهم.",
            "نقلت عبارة الناس عبر الماء أثناء الإغلاق كل ربع ساعة.",
            "من المقرر إجراء الفحص القادم في الربيع، عندما يكون مستوى الماء في أدناه.",
        ],
    ),
}
#: By language: words of the menu, of the notice about cookies, and of the foot of the page.
_CHROME: dict[str, tuple[list[str], str, str]] = {
    "en": (
        ["Home", "Politics", "Sport", "Weather", "Contact", "Log in"],
        "We use cookies to improve this site. Accept all or change your settings.",
        "© 2026 Example Media. All rights reserved. Imprint, privacy, terms of use.",
    ),
    "de": (
        ["Startseite", "Politik", "Sport", "Wetter", "Kontakt", "Anmelden"],
        "Wir verwenden Cookies, um diese Seite zu verbessern. Alle annehmen oder einstellen.",
        "© 2026 Beispiel Medien. Alle Rechte vorbehalten. Impressum, Datenschutz, AGB.",
    ),
    "ru": (
        ["Главная", "Политика", "Спорт", "Погода", "Контакты", "Войти"],
        "Мы используем файлы cookie, чтобы улучшить сайт. Принять все или изменить настройки.",
        "© 2026 Пример Медиа. Все права защищены. Конфиденциальность, условия использования.",
    ),
    "ja": (
        ["ホーム", "政治", "スポーツ", "天気", "連絡先", "ログイン"],
        "このサイトを改善するためにクッキーを使用します。すべて許可するか設定を変更してください。",
        "© 2026 例メディア。無断転載を禁じます。プライバシー、利用規約。",
    ),
    "ar": (
        ["الرئيسية", "سياسة", "رياضة", "الطقس", "اتصل بنا", "تسجيل الدخول"],
        "نستخدم ملفات تعريف الارتباط لتحسين هذا الموقع. اقبل الكل أو غير الإعدادات.",
        "© 2026 مثال ميديا. جميع الحقوق محفوظة. الخصوصية وشروط الاستخدام.",
    ),
}


def handmade_pages() -> Iterator[KnownPage]:
    """Yield thirty pages."""
    for language in _TEXTS:
        for kind, body in (
            ("news", _news),
            ("forum", _forum),
            ("shop", _shop),
            ("short", _short),
            ("tables", _tables),
            ("blog, divs only", _divs),
        ):
            html, content = body(language)
            yield KnownPage(kind, html, content, language)


def _page(language: str, main: str) -> str:
    menu, notice, foot = _CHROME[language]
    headline, sentences = _TEXTS[language]
    links = "".join(f'<li><a href="/{n}">{escape(each)}</a></li>' for n, each in enumerate(menu))
    teasers = "".join(
        f'<li><a href="/more/{n}">{escape(each[:40])}…</a></li>'
        for n, each in enumerate(sentences * 2)
    )
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{escape(headline)} - Example</title>"
        "<style>body{margin:0}</style><script>var tracker = {page: 1};</script></head><body>"
        f'<header><a href="/">Example</a><nav><ul>{links}</ul></nav></header>'
        f'<div class="cookie-notice" role="dialog"><p>{escape(notice)}</p><button>OK</button></div>'
        f"{main}"
        f'<aside class="sidebar"><ul class="related">{teasers}</ul></aside>'
        f"<footer><p>{escape(foot)}</p></footer></body></html>"
    )


def _paragraphs(sentences: list[str]) -> str:
    pairs = [" ".join(sentences[n : n + 2]) for n in range(0, len(sentences), 2)]
    return "".join(f"<p>{escape(pair)}</p>" for pair in pairs)


def _news(language: str) -> tuple[str, str]:
    headline, sentences = _TEXTS[language]
    main = (
        f"<main><article><h1>{escape(headline)}</h1>"
        f'{_paragraphs(sentences)}<div class="share"><a href="#">f</a> <a href="#">x</a></div>'
        f"</article></main>"
    )
    return _page(language, main), " ".join([headline, *sentences])


def _divs(language: str) -> tuple[str, str]:
    """Return a page of an old template, without elements that say what is what."""
    headline, sentences = _TEXTS[language]
    html = _page(
        language,
        f'<div id="page"><div id="post-17" class="post"><h2>{escape(headline)}</h2>'
        f'<div class="entry">{_paragraphs(sentences)}</div></div></div>',
    )
    for name in ("header", "nav", "footer", "aside"):
        html = html.replace(f"<{name}", f'<div id="{name}"').replace(f"</{name}>", "</div>")
    return html, " ".join([headline, *sentences])


def _forum(language: str) -> tuple[str, str]:
    headline, sentences = _TEXTS[language]
    posts = "".join(
        f'<div class="post"><div class="author"><a href="/u/{n}">user{n}</a> 12:0{n}</div>'
        f'<div class="body"><p>{escape(each)}</p></div>'
        f'<div class="actions"><a href="#">Reply</a> <a href="#">Report</a></div></div>'
        for n, each in enumerate(sentences)
    )
    main = f'<div class="thread"><h1>{escape(headline)}</h1>{posts}</div>'
    return _page(language, main), " ".join([headline, *sentences])


def _shop(language: str) -> tuple[str, str]:
    headline, sentences = _TEXTS[language]
    features = "".join(f"<li>{escape(each)}</li>" for each in sentences[:3])
    main = (
        f'<div class="product"><h1>{escape(headline)}</h1><p class="price">49.90 EUR</p>'
        f'<button>+</button><div class="description"><p>{escape(sentences[3])}</p>'
        f"<ul>{features}</ul></div></div>"
    )
    return _page(language, main), " ".join([headline, "49.90 EUR", sentences[3], *sentences[:3]])


def _short(language: str) -> tuple[str, str]:
    headline, sentences = _TEXTS[language]
    main = f"<div><h1>{escape(headline)}</h1><p>{escape(sentences[0])}</p></div>"
    return _page(language, main), f"{headline} {sentences[0]}"


def _tables(language: str) -> tuple[str, str]:
    headline, sentences = _TEXTS[language]
    rows = "".join(
        f"<tr><td>{n + 1}</td><td>{escape(each)}</td><td>{(n * 37) % 100}</td></tr>"
        for n, each in enumerate(sentences)
    )
    content = " ".join(f"{n + 1} {each} {(n * 37) % 100}" for n, each in enumerate(sentences))
    main = f"<h1>{escape(headline)}</h1><table>{rows}</table>"
    return _page(language, main), f"{headline} {content}"
