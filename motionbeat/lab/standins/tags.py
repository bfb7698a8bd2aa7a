"""MagnaTagATune's 188 tags in the order of its table, the 50 of the task, and conditions for each on synthesised
clips.
"""

_ALL = (
    "no voice,singer,duet,plucking,hard rock,world,bongos,harpsichord,female singing,clasical,sitar,chorus,"
    "female opera,male vocal,vocals,clarinet,heavy,silence,beats,men,woodwind,funky,no strings,chimes,foreign,"
    "no piano,horns,classical,female,no voices,soft rock,eerie,spacey,jazz,guitar,quiet,no beat,banjo,electric,"
    "solo,violins,folk,female voice,wind,happy,ambient,new age,synth,funk,no singing,middle eastern,trumpet,"
    "percussion,drum,airy,voice,repetitive,birds,space,strings,bass,harpsicord,medieval,male voice,girl,keyboard,"
    "acoustic,loud,classic,string,drums,electronic,not classical,chanting,no violin,not rock,no guitar,organ,"
    "no vocal,talking,choral,weird,opera,soprano,fast,acoustic guitar,electric guitar,male singer,man singing,"
    "classical guitar,country,violin,electro,reggae,tribal,dark,male opera,no vocals,irish,electronica,horn,"
    "operatic,arabic,lol,low,instrumental,trance,chant,strange,drone,synthesizer,heavy metal,modern,disco,bells,"
    "man,deep,fast beat,industrial,hard,harp,no flute,jungle,pop,lute,female vocal,oboe,mellow,orchestral,viola,"
    "light,echo,piano,celtic,male vocals,orchestra,eastern,old,flutes,punk,spanish,sad,sax,slow,male,blues,vocal,"
    "indian,no singer,scary,india,woman,woman singing,rock,dance,piano solo,guitars,no drums,jazzy,singing,cello,"
    "calm,female vocals,voices,different,techno,clapping,house,monks,flute,not opera,not english,oriental,beat,"
    "upbeat,soft,noise,choir,female singer,rap,metal,hip hop,quick,water,baroque,women,fiddle,english"
)
TAGS = tuple(_ALL.split(","))

_MOST_FREQUENT = (
    "guitar,classical,slow,techno,strings,drums,electronic,rock,fast,piano,ambient,beat,violin,vocal,synth,female,"
    "indian,opera,male,singing,vocals,no vocals,harpsichord,loud,quiet,flute,woman,male vocal,no vocal,pop,soft,"
    "sitar,solo,man,classic,choir,voice,new age,dance,male voice,female vocal,beats,harp,cello,no voice,weird,"
    "country,female voice,metal,choral"
)
STANDARD = tuple(_MOST_FREQUENT.split(","))
"""The data set's 50 most frequent tags, the most frequent first."""

_SUNG = ("vocal", "vocals", "voice", "singing")
VOICE_TAGS = {
    "guitar": ("guitar",),
    "overdriven guitar": ("guitar",),
    "piano": ("piano",),
    "violin": ("violin", "strings"),
    "cello": ("cello", "strings"),
    "strings": ("strings",),
    "flute": ("flute",),
    "harp": ("harp", "strings"),
    "harpsichord": ("harpsichord",),
    "sitar": ("sitar",),
    "synth pad": ("synth",),
    "synth bass": ("synth",),
    "synth lead": ("synth",),
    "male voice": ("male", "man", "male vocal", "male voice", *_SUNG),
    "female voice": ("female", "woman", "female vocal", "female voice", *_SUNG),
    "choir": ("choir", "choral", *_SUNG),
}
VOICES_THAT_SING = frozenset({"male voice", "female voice", "choir"})

STYLE_TAGS: dict[str, tuple[str, ...]] = {
    "rock": ("rock",),
    "metal": ("metal", "rock"),
    "country": ("country",),
    "pop": ("pop",),
    "techno": ("techno", "electronic", "dance"),
    "dance": ("dance", "techno", "electronic", "pop"),
    "electronic": ("electronic",),
    "ambient": ("ambient", "electronic"),
    "new age": ("new age", "ambient"),
    "string quartet": ("classical", "classic"),
    "piano piece": ("classical", "classic"),
    "harpsichord piece": ("classical", "classic"),
    "flute piece": ("classical",),
    "opera": ("opera", "classical"),
    "choir": (),
    "raga": ("indian",),
    "cello piece": ("classical", "classic"),
    "ballad": (),
    "oddity": ("weird",),
}
