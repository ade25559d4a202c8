"""Words that masked values are made of. They never change: a mask gives the same value in every release."""

from __future__ import annotations

from typing import Final

_FIRST: Final = (
    "Ada Alan Alba Amos Anna Arlo Asta Axel Bela Bert Britt Bruno Cara Carl Cleo Cora Dana Dario Dina Dora Edda"
    " Edgar Elin Elis Emil Enid Erik Esra Etta Ezra Fay Felix Fern Finn Flora Frida Gail Gene Gina Gita Glen Greta"
    " Hana Hank Hedda Hugo Ida Igor Ilse Ines Ines Ira Iris Ivan Ivy Jade Jana Joel Jona Juno Kai Karl Kira Kurt"
    " Lars Lea Leif Lena Leon Lila Lina Liv Lois Lotta Luca Lupe Mae Maja Mara Marek Mats Mia Milo Mina Mira Moss"
    " Nadia Nell Nico Nils Nina Noa Nora Odin Olaf Olga Omar Orla Oskar Otis Otto Pal Paz Per Petra Pia Quin Rafe"
    " Ravi Remo Rhea Rita Romy Rosa Rune Sam Sara Selma Signe Silas Siri Sofia Sten Sven Tara Tea Thea Theo"
)
_LAST: Final = (
    "Abel Acker Adler Alm Ames Arden Ash Bach Baker Banks Barr Beck Bell Berg Birk Bloom Boone Borg Bowen Brandt"
    " Brook Bruhn Burke Byrne Cairn Carver Chase Clay Cole Conrad Cove Crane Cross Dahl Dale Day Dean Dell Drake"
    " Dunn Eastman Eck Eden Egan Elm Engel Ernst Falk Farr Fell Field Finch Fisk Flint Ford Forst Foss Fox Frost"
    " Gale Gard Glass Goode Grant Gray Greene Grove Haas Hale Hall Hart Hawk Hayes Heath Heim Hill Holm Holt Hood"
    " Horn Hunt Ingram Ives Jung Kane Keller Kent King Kirk Kling Knox Kraft Lake Lamb Lane Lang Law Lind Linde"
    " Lowe Lund Mace Marsh May Mead Mercer Moor Moss Nash Nord North Oak Olsen Orr Paige Park Penn Pike Pine Poole"
    " Quill Rand Reed Ridge Roth Rowe Stone Vale"
)
_STREETS: Final = (
    "Alder Apple Ash Aspen Bay Beech Birch Bridge Brook Canal Castle Cedar Chapel Cherry Church Clay Cliff Cloud"
    " Copper Dove Elm Fern Field Forge Forest Fountain Garden Glen Grove Harbour Hazel Heath High Hill Holly Iron"
    " Ivy Juniper Lake Lark Linden Long Maple Market Meadow Mill Moss North Oak Orchard Park Pine Poplar Quarry"
    " River Rose Salt Silver Spring Station Stone Summer Sun Willow"
)
_TOWNS: Final = (
    "Ashby Barrow Benton Brampton Calder Carlow Corby Dalton Denby Eastfield Elmswell Fairport Fenwick Garton"
    " Halden Harwick Kelby Kirkham Langton Linford Marston Melby Milton Norden Oakham Penrith Ripley Selby"
    " Thornton Upton Wexford Witham"
)
FIRST: Final = tuple(_FIRST.split())
LAST: Final = tuple(_LAST.split())
STREETS: Final = tuple(_STREETS.split())
TOWNS: Final = tuple(_TOWNS.split())
