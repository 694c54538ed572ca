"""Brands the sandbox marketplace knows. Only Nike 53 and Adidas 14 are publicly reported ids; the rest are ours."""

from dataclasses import dataclass

_REPORTED = {"Nike": 53, "Adidas": 14}
_NAMES = """
Nike, Adidas, Zara, H&M, Levi's, Mango, Shein, Kiabi, Bershka, Pull & Bear, Stradivarius, Uniqlo, Decathlon,
Ralph Lauren, Lacoste, Tommy Hilfiger, Calvin Klein, Hugo Boss, The Kooples, Sandro, Maje, Sézane, Petit Bateau,
Vertbaudet, Jacadi, Okaïdi, Cyrillus, Camaïeu, Promod, Pimkie, Jennyfer, Naf Naf, Etam, Undiz, Morgan, Esprit,
Benetton, Gap, Puma, Reebok, New Balance, Converse, Vans, Asics, Salomon, Timberland, Dr. Martens, Geox,
Birkenstock, The North Face, Patagonia, Columbia, Quechua, Carhartt, Dickies, Diesel, Guess, Desigual, Superdry,
Jack & Jones, Only, Vero Moda, Massimo Dutti, COS, Arket, & Other Stories, Burberry, Gucci, Prada, Louis Vuitton,
Celio, Jules, Brice, Devred, Eden Park, Fred Perry, Ben Sherman, Topshop, ASOS, Primark, Boohoo, Next,
Marks & Spencer, River Island, New Look, Weekday, Monki, Armor Lux, Saint James, Aigle, Caterpillar
"""


@dataclass(frozen=True)
class Brand:
    id: int
    title: str


BRANDS = tuple(
    Brand(_REPORTED.get(name, 900_000 + place), name)
    for place, name in enumerate(part.strip() for part in _NAMES.split(","))
)
POPULAR = BRANDS[:12]


def search(keyword: str, limit: int = 20) -> tuple[Brand, ...]:
    """Brands whose name holds the keyword, those that begin with it first; the popular ones without a keyword."""
    wanted = keyword.strip().casefold()
    if not wanted:
        return POPULAR
    found = [brand for brand in BRANDS if wanted in brand.title.casefold()]
    return tuple(sorted(found, key=lambda brand: not brand.title.casefold().startswith(wanted))[:limit])


def find(brand_id: int | None) -> Brand | None:
    return next((brand for brand in BRANDS if brand.id == brand_id), None)
