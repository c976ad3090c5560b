"""Words that carry no sentiment: articles, pronouns, prepositions, auxiliaries.

Words that deny or weigh (no, not, never, more, less; no, nunca, sin, más, menos) are not here.
"""

ENGLISH = """
a about above after again all also am an and any are as at be because been before being below
between both but by can could did do does doing done down during each few for from further had has
have having he her here hers herself him himself his how i if in into is it its itself just let me
my myself of off on once one only or other our ours ourselves out over own rt same she should so
some such than that the their theirs them themselves then there these they this those through to
under until up us very via was we were what when where which while who whom whose why will with
would you your yours yourself yourselves i'm i've i'll you're you've he's she's it's we're we've
they're they've that's there's what's let's
"""

SPANISH = """
a al algo algunas algunos ante antes aquel aquella aquellas aquellos aqui aquí así aun aún aunque
cada como cómo con cual cuales cual cuál cuando cuándo de del desde donde dónde durante e el él
ella ellas ellos en entre era eran eras eres es esa esas ese eso esos está estaba estaban estado
están estar estas este esto estos estoy fue fueron fui ha haber había habían han has hasta hay he
hemos hoy la las le les lo los me mi mí mis mientras mismo misma mucho muchos mía mío nos nosotras
nosotros nuestra nuestras nuestro nuestros o os otra otras otro otros para pero poco por porque
pues que qué quien quién quienes rt se sea sean según ser será si sí sido siendo sobre sois somos
son soy su sus suya suyas suyo suyos también tan tanto te tenemos tener tengo ti tiene tienen toda
todas todo todos tu tú tus tuya tuyo un una unas uno unos usted ustedes va vamos van vosotras
vosotros voy vuestra vuestro y ya yo
"""

STOP_WORDS = {
    "english": tuple(dict.fromkeys(ENGLISH.split())),
    "spanish": tuple(dict.fromkeys(SPANISH.split())),
}
