"""Headings of columns beside their own names, in the languages of the book trade."""

SYNONYMS = {
    "isbn": (
        "isbn 13, isbn number, isbn no, isbn code, isbn ean, ean, ean 13, ean code, ean number,"
        "ean isbn, code ean, gtin, gtin 13, isbn 10, barcode, bar code"
    ),
    "title": "book title, title name, product title, product name, titel, titre, título, titolo",
    "author": "authors, author name, author s, contributor, autor, autoren, auteur, autore",
    "interval": (
        "year week, yyyyww, iso week, year and week, week id, jahr woche, week number, week no,"
        "week num, week nr, wk, wk no, kalenderwoche, kw, numéro de semaine, número de semana"
    ),
    "year": "calendar year, sales year, iso year, yr, jahr, année, año, anno, jaar",
    "end_date": (
        "week ending, week ending date, week ended, week end, week end date, weekend date, w e,"
        "w e date, week ending saturday, week ending sat, week ending sunday, week ending sun,"
        "week ending friday, week ending fri, period end, period end date, period ending,"
        "end of week, ending, week commencing, week commencing date, w c, w c date, week beginning,"
        "week beginning date, w b, week starting, week start, week start date, start of week,"
        "start date, date, week date, sales date, sale date, week, datum, woche, wochenende,"
        "woche bis, woche von, wochenbeginn, wochenanfang, verkaufsdatum, fecha, semana, fecha fin,"
        "fecha de venta, semaine, semaine du, date fin, date de fin, fin de semaine,"
        "début de semaine, date de vente, data, settimana, fine settimana, data di vendita"
    ),
    "volume": (
        "net units, net units sold, net qty, net quantity, net sales units,"
        "units, units sold, unit sales, sales units, units sales, volume sales, sales volume,"
        "volume sold, qty, qty sold, sales qty, quantity, quantity sold, sold quantity,"
        "sales quantity, copies, copies sold, sold copies, actual units, absatz, absatzmenge,"
        "verkaufsmenge, menge, stück, stückzahl, verkaufte exemplare, verkaufte stück, exemplare,"
        "unidades, unidades vendidas, ejemplares, ejemplares vendidos, cantidad, cantidad vendida,"
        "quantité, quantité vendue, exemplaires, exemplaires vendus, quantità, copie vendute,"
        "antal, aantal"
    ),
    "value": (
        "sales value, value sales, revenue, net revenue, turnover, net sales, net sales value,"
        "sales revenue, umsatz, chiffre d affaires, ca, importe, fatturato"
    ),
    "asp": "average selling price, average price, avg price, avg selling price",
    "rrp": (
        "recommended retail price, list price, retail price, srp, msrp, uvp, ladenpreis, pvp,"
        "cover price"
    ),
    "transaction": (
        "transaction, type, sale type, sales type, movement, movement type, channel, sales channel,"
        "belegart, vorgang, vertriebskanal, kanal"
    ),
    "binding": "format, product form, einband",
    "publisher_group": "publisher, publishing group, group, verlag, éditeur, editorial, editore",
    "product_class": "product class code, class, category, genre, warengruppe",
}
"""Other headings of the same columns, the preferred ones first."""

LIST_SYNONYMS = {
    "title": "full title, main title, name",
    "author": "main author, first author, author 1, author full name, writer",
    "imprint": "imprint name, publisher imprint",
    "rrp": "price, current rrp, recommended price, retail, preis, prix, precio, prezzo",
    "binding": "binding type, binding description, cover, type, bindung, reliure, encuadernación",
    "publication_date": (
        "pub date, date of publication, date published, published, publication, pub, release date,"
        "released, on sale date, on sale, street date, launch date, erscheinungsdatum,"
        "erscheinungstermin, erschienen, erscheint, et, date de parution, parution,"
        "fecha de publicación, fecha de edición, data di pubblicazione, data de publicação,"
        "verschijningsdatum, publicatiedatum, utgivningsdatum, udgivelsesdato"
    ),
    "product_class": "product class description, prod class, product category, subject",
    "country": "country, land, erscheinungsland, pays, país, paese, país de publicación",
    "comparable": (
        "comparable, comparables, comparable isbn, comparable titles, comparable title, comp,"
        "comps, comp isbn, comp isbns, comp titles, comparison titles, like isbns, similar isbns,"
        "vergleichstitel, vergleichs isbn"
    ),
    "print_run": (
        "printrun, first print run, print quantity, print qty, first printing, printed copies,"
        "copies printed, initial print run, auflage, erstauflage, druckauflage, tirage, tirada,"
        "tiratura, oplage, upplaga"
    ),
}
"""The same in lists of titles alone: in an export they have another meaning, or several."""

LIST_FORMS = {
    "publication_date": r"pub\w*date\w*|date\w*pub\w*|pub\w*dt|erscheinung\w*|dateparution\w*",
    "country": r"(pub\w*)?country\w*",
    "publisher_group": r"publisher\w*|publishing\w*",
    "product_class": r"(product|prod)class\w*",
    "binding": r"binding\w*",
    "imprint": r"imprint\w*",
    "rrp": r"rrp\w*|\w*retailprice\w*|listprice\w*",
    "author": r"authors?\w*",
    "isbn": r"isbn\w*",
}
"""Further headings of lists, without blanks and signs; known headings are preferred to them."""

# Columns without a heading are often the row numbers of a data frame.
RUNNING_NUMBERS = frozenset(
    {
        *("", "unnamed0", "rank", "salesrank", "rang", "position", "pos", "no", "nr", "id"),
        *("recordid", "row", "rowno", "rownumber", "index", "line", "lineno"),
    }
)
"""Headings of columns that number the rows; they tell no rows apart."""
