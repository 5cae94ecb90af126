"""The words that the random-weight model knows and says."""

# The small words of English first, because merges are learned with the earlier words weighing more.
_PARAGRAPHS = """
the a and of to in it is that for with as was on at by be or an not this but are from have had they
we you he she his her its our your their them us me my who what which when where why how all any
some each every both few many more most much less least other another same such no nor only own
than then there here so too very can could will would shall should may might must do does did done
been being has were am if else while until since because though after before again about above
below between into out over under up down off through during against among around without within

answer ask balance batch begin bound break build burst cache call capacity carry change charge
choose claim class client close compare complete copy core correct cost count credit deadline debt
decide decode deep delay depth distance divide drain drop engine enter equal error estimate
even event example expect explain fair fast favour field finish first flow follow free full gate
gateway give grow guard half hand head heavy hold hour idle input interest jump keep key lane large
last late lead leaf learn leave lend length level lift light limit line list load long lose lot
lower machine main make mark matter mean measure memory merge message middle minute model move name
narrow near need neighbour new next noise notice number offer often open order output own owner page
pair part pass pattern pause pick piece place plain plan policy pool predict prefix present price
prompt promise proof queue quick quiet quota rate reach read ready real reason receive record reduce
refuse remember repeat reply request reserve rest result retry return right ring rise root round
route rule run schedule second send serve server service session settle shape share short show side
signal simple single size slot slow small smooth space speed spend split stand start state step stop
store stream strict strong sum system table take tell tenant test thing think thread thread ticket
time token tool top total trace track traffic tree true trust turn unit usage use user value wait
walk want watch weight whole wide window wish word work worker world write wrong yield

apple autumn bark beach bear bell bird blue boat bread breeze bridge bright brook brown candle
castle cat cheese cherry chair child city cliff cloud clover coast cold corn cottage cow cup
dance dawn day desert dog door dream dress drum dust eagle earth east egg evening eye farm feather
fire fish flower fog forest fox friend frost fruit garden glass gold grass green grey hat
hill home honey horse house ice island ivory king lake lamb lamp lantern leather lemon letter
lion maple meadow milk mirror moon morning moss mountain mouse music night north oak ocean
olive orange orchard owl paper path pearl pebble pepper picture pine pond queen rabbit rain
red river road rope rose sail salt sand school sea shadow sheep ship silver sister sky smile snow
soft song south spring star stone storm summer sun swan table tea thunder tiger tower town
valley village violet voice water wave west wheat wheel white wind window wine winter wolf wood
yellow young
"""
WORDS = tuple(dict.fromkeys(_PARAGRAPHS.split()))
"""Each once, the most frequent first."""
