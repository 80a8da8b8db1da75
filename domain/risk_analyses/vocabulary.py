"""Phrases about a number alone: that it rose or fell, was gained or lost, or is to be recovered.

Data, by meaning, as a thesaurus has them; how a fact is read by them is in `readings.py`.
"""

from domain.risk_analyses.phrases import Phrases, forms, words_of

LISTS = {
    "go": frozenset(
        form
        for verb in words_of(
            "go come move head trend drift float tick edge inch nudge creep push press drive pull drag send bring "
            "carry force march grind crawl climb slide slip step ratchet bump jack crank lever scale shoot run power "
            "charge steam race forge settle trade finish end close open start mark price revise talk write wind bid "
            "level dial point shift swing walk jump leap hop pop stack pile prop shore firm stride stroll "
            "gallop trot wander sail sweep propel hoist hurl fling catapult vault whip jerk yank haul tug heat warm "
            "speed build bulk beef ramp turn leave wear knock bog weigh whittle cool calm tone sell cut work stand"
        )
        for form in forms(verb)
    ),
    "deliver": frozenset(
        form for verb in words_of("return deliver produce offer yield earn make gain pay bring") for form in forms(verb)
    ),
    "lean": frozenset(
        form
        for verb in words_of("lean bend tilt slope slant incline point pitch run head go arc turn")
        for form in forms(verb)
    ),
    "persons": words_of("client clients holder holders investor investors owner owners savers shareholders"),
    "people": words_of(
        "account bond bonds book clients everyone her him holder holders investor investors owner owners portfolio "
        "savers shareholders sleeve sleeves them us"
    ),
    "peak": words_of("best crest height high highs level mark maximum peak peaks record summit top watermark zenith"),
    "start": words_of("start starting started beginning began opening original initial"),
    "inversely": words_of("inversely negatively oppositely loosely weakly barely"),
    "linked": words_of("linked tied coupled connected related correlated associated bound aligned paired matched"),
    "larger": words_of("larger heavier bigger higher greater more weightier"),
    "cost": words_of("cost paid price purchase"),
    "limit": words_of(
        "allowance bound boundary bounds cap caps ceiling ceilings constraint guideline guidelines limit limits line "
        "mandate maximum policy range regulation regulations restriction rule rules threshold"
    ),
    "rules": words_of("mandate mandates policy policies guideline guidelines rule rules regulations terms agreement"),
    "allowed": words_of(
        "acceptable admissible agreed allocated allotted allow allowed allows authorised authorized conceded "
        "envisaged foreseen granted lawful permissible permit permits permitted prescribed set stipulated tolerated"
    ),
}
"""Words that a phrase names together, as `%peak`."""

RISES = Phrases(
    verbs="""
    %go _ up, %go _ higher, %go _ upward, %go _ upwards, %go _ north, %go _ skyward, %go _ forward, %go _ forwards,
    %go _ ahead, rise, climb, advance, grow, increase, appreciate, strengthen, surge, soar, jump, leap, rally,
    rocket, skyrocket, mount, swell, expand, accelerate, spike, ascend, escalate, balloon, mushroom, multiply,
    bounce, rebound, harden, improve, inflate, snowball, steepen, spurt, heighten, vault, catapult, propel, lift,
    raise, hoist, boost, buoy, bolster, elevate, enhance, augment, magnify, hike, uplift, uprate, upgrade, enlarge,
    outgrow, intensify, levitate, quicken, brighten, burgeon, bulge, zoom, resurge, revive, reflate, revalue,
    rerate, re-rate, proliferate, fortify, invigorate, energise, energize, muscle up, melt up, leap ahead, surge
    ahead, fire up, spiral up, spiral higher, ramp, upsize, ripen, pop, gallop, pick up, perk up, power ahead,
    forge ahead, charge ahead, steam ahead, race ahead, go from strength to strength, gather pace, gather steam,
    take off, take wing, come up by, come up #, send _ soaring, gap higher, put # on, put on #, put on weight, put
    on a, add #, gain ground, make ground, make headway, make progress, make strides, gather strength, scale new
    heights, top up, clock up, chalk up, get stronger, progress, widen by, widen #, cost more, thicken, find its
    strength, find its feet, find its footing, regain its strength
    """,
    nouns="""
    growth, appreciation, upswing, melt-up, melt up, revaluation, brightening, upturn, uptick, upsurge, improvement,
    expansion, ascent, hike, increment, uplift, upside, run-up, step-up, pickup, pick-up, inflation, escalation,
    acceleration, enlargement, upgrade, upward move, upward movement, upward trend, comeback, resurgence, resurgency,
    revival, rerating, upward push, upward shift, upleg, bull run, bull market, strengthening, strength, firming,
    steepening, moonshot, liftoff, lift-off, take-off, takeoff, step forward, leap forward, progress, uptrend, up-move,
    upmove, widening, backup
    """,
    others="""
    firmed, firming, sprang, sprung, up #, up by, upward, upwards, higher, stronger, firmer, dearer, costlier, pricier,
    richer, more expensive, more costly, more valuable, # larger, # greater, # bigger, hotter, elevated by, # higher,
    # more, # above, # up, # stronger, # dearer, # extra, # upward, an extra #, increasingly, upbeat, bullish,
    on the rise, on the up, on an upswing, in the ascendant, upward by, north by, all the way up, the way up,
    one way up, way up, # of extra, # of additional, # of higher, # of added, worth more, to the north,
    larger than a year, bigger than a year, larger than before, bigger than before, # fatter, # fuller, # heavier,
    # healthier, # wealthier, to the upside
    """,
)

FALLS = Phrases(
    verbs="""
    %go _ down, %go _ lower, %go _ downward, %go _ downwards, %go _ south, %go _ southward, %go _ backward, %go _
    backwards, fall, drop, decline, decrease, slide, slip, sink, shrink, plunge, plummet, tumble, crash, collapse,
    crater, dip, ebb, retreat, contract, dwindle, sag, slump, descend, subside, ease, soften, recede, diminish,
    fade, wane, skid, backslide, melt, evaporate, vanish, slacken, nosedive, dive, droop, deflate, depreciate,
    weaken, worsen, deteriorate, cheapen, moderate, abate, lessen, lighten, taper, retrace, regress, relapse,
    founder, flounder, falter, stumble, languish, buckle, crumble, crumple, disintegrate, implode, tank, flop,
    wilt, wither, shrivel, decay, degrade, unravel, submerge, swoon, atrophy, topple, capsize, keel over, spiral
    down, spiral lower, cascade, thin out, compress, downsize, succumb, capitulate, recoil, backpedal, backtrack,
    slither, peter out, fizzle, fizzle out, dim, darken, dull, bottom out, nose down, slouch, lower, reduce,
    depress, trim, cut, slash, pare, prune, lop, clip, curtail, crimp, dilute, devalue, downgrade, send _ tumbling,
    whittle away, come off, back off, back down, cool off, cool, scale back, cut back, roll back, pull back, fall
    back, slip back, slide back, drop back, sink back, drop away, fall away, drop off, fall off, tail off, taper
    off, lose ground, lose height, lose steam, lose altitude, lose strength, lose value, give ground, give way,
    give back, give _ back, give up, give _ up, go backwards, go backward, go into reverse, cave in, dry up, come
    under pressure, come in by, be under pressure, trail _ %peak, lag _ %peak, lag behind _ %peak, miss _ %peak, go
    under, go downhill, turn sour, take a tumble, take a dive, take a plunge, take a dip, take a slide, get
    cheaper, get weaker, melt away, ebb away, waste away, shed, be off by, go off by, narrow by, narrow #, cost
    less, knock _ back, knock back, cave, correct by, roll over, downshift, lose its strength, lose its lustre,
    lose its footing
    """,
    nouns="""
    erosion, contraction, descent, drawdown, downturn, downswing, downtick, downdraft, downdraught, depreciation,
    weakness, weakening, softening, softness, deterioration, sell-off, selloff, rout, meltdown, correction, debacle,
    slippage, deflation, disinflation, pullback, pull-back, retracement, tailspin, devaluation, reduction, downside,
    shrinkage, reversal, downward move, downward movement, downward trend, downward spiral, downward drift,
    downward shift, downward pressure, free fall, cheapening, worsening, shallowing, downfall, diminution, downgrade,
    crash-landing, slowdown, letup, step back, step backward, step backwards, downtrend, down-move, downmove,
    downslide, narrowing
    """,
    others="""
    down, downward, downwards, lower, weaker, softer, cheaper, # smaller, less expensive, less costly, shrunken, #
    lower, # less, # below, # down, # weaker, # cheaper, # under, # beneath, # off, off #, off by, off some, off a
    #, bearish, on the slide, on the wane, on the decline, in decline, in retreat, in free fall, in freefall,
    decreasingly, southward, # short of, # shy of, # adrift, # away, adrift by, adrift of, short of _ %peak, shy of
    _ %peak, below _ %peak, under _ %peak, behind _ %peak, away from _ %peak, beneath _ %peak, underneath _ %peak,
    off _ %peak, off _ highs, downhill, worth less, to the south, smaller than a year, smaller than before, #
    emptier, # leaner, # slimmer, to the downside
    """,
)

GAINS = Phrases(
    verbs="""
    gain, earn, win, profit, benefit, reward, enrich, thrive, flourish, prosper, blossom, bloom, boom, pocket, bank
    #, reap, harvest, rake in, rake _ in, haul in, lavish, accord, confer, procure, amass, stash, salt away,
    squirrel away, ring up, rack up #, wring, squeeze _ out, milk from, hoard, lap up, bag, land #, nab, snag,
    clinch, fetch, acquire #, obtain #, receive #, get #, draw #, redeem, recompense, remunerate, gift, grant,
    award, bestow, give %people #, give the %people #, give its %people #, feed _ into, pump _ into, inject _ into,
    pour _ into, channel _ into, put # into, put # onto, tack _ onto, tack onto, heap _ on, layer _ on, smile on,
    bless, nourish, serve _ well, do _ proud, do well by, succeed, triumph, shine, excel, sparkle, walk away with,
    walk off with, come away with, emerge with, bear fruit, come up trumps, strike gold, pull in, bring in, bring _
    in, bring home, bring #, take home, take in, cash in, collect, garner, scoop, scoop up, score #, chalk up #,
    capture #, secure #, make #, make _ money, make a killing, make gains, make its owner, make their owner, make _
    holders, make _ investors, make out with, add _ to, add _ value, tack on, tack _ on, pile on, pile _ on, put _
    in _ pocket, put _ ahead, contribute, generate, yield #, produce #, deliver #, hand %people #, hand the %people
    #, hand its %people #, hand # to, accrue, accumulate, create, credit #, compound at, compound by, compound
    upward, pay off, pay out, pay #, throw off, spin off, churn out, turn out #, turn a profit, turn _ into profit,
    show for, roar back, storm back, fight back, swing back, come roaring back, come out ahead, come out on top,
    come good, do well, do nicely, fare well, work out well, go well, pay dividends, sweeten, treat, repay,
    flatter, aid, favour, favor, hold _ own, grow rich, net #, leave _ better off, leave _ richer, leave _ ahead,
    leave _ up, have # to show, fatten, line _ pockets, clean up, cash out #, lock in #, take # in profits, reap #,
    help, feed #, heap #, heap # onto, gather #, attract #, stockpile, come in as profit, flood in, flow in, flow
    into, sprout, flower, build on, hand back # to %people, hand back # to the %people, give back # to the %people,
    hand # back to the %people, give # back to the %people, return # to the %people, restore # to, restore, pay _
    well, build wealth, build capital, build _ wealth, pay to, gladden, delight, please, cheer, hearten, bring to
    the %people, bring to %people, chip in, chip _ in, chip in with, pitch in, kick in, clear #, bank, realise #,
    fatten up, plump up, plump, stand to gain, be handed, be given, be credited, be rewarded, be paid, present _
    with, provide _ with, favour with, endow _ with, furnish _ with, equip _ with, reward _ with, give # to, bring
    # to, pass # to, grant # to, send # to, pour # into, leave # in _ pocket, add up to a gain, reap the benefit,
    come out with, build #, create #, hand the bond %people #, replenish, refill, rebuild, restock, recharge,
    materialise, materialize, enjoy #, relish, conjure, claim # of excess, achieve #, attain #, save #, retain #,
    salvage #, unlock #, extract #, eke out, muster #
    """,
    nouns="""
    profit, earnings, surplus, bonus, windfall, feast, bounty, harvest, payday, silver lining, good news, bright
    spot, moneyspinner, cash cow, joy, delight, triumph, feather in _ cap, star, champion, gold mine, goldmine,
    support, payout, gravy, boon, success, winner, jackpot, bonanza, tailwind, plus, reward, benefit, proceeds,
    premium, wealth creation, value creation, enrichment, prosperity, payoff, pay-off, godsend, blessing, winnings,
    profitability, accretion, excess return, moneymaker, money-spinner, gift, treat, cheer, inflow, income, money
    maker, strong year, good year, great year, banner year, prize, relief, boost, lift, pick-me-up, treasure, plum,
    trophy, fruit, victory, paper profit, net gain, contribution, top-up, addition, dividend, haul, augmentation,
    enhancement
    """,
    others="""
    banked, netted, credited, has compounded, have compounded, had compounded, positive, positively, profitable,
    profitably, lucrative, fruitful, rewarding, in the black, into the black, to the good, in the money, in pocket,
    in clover, quids in, into the money, in profit, into profit, at a profit, above water, on the plus side, in
    credit, better off, # better, # richer, # ahead, # to the good, # in front, %people makes, %people made,
    %people gets, wealthier, better, ahead of its cost, above _ %cost, over _ %cost, ahead of _ %cost, beyond _
    %cost, north of _ %cost, in excess of _ %cost, in _ favour, in _ favor, into _ pocket, in _ pocket, into _
    hands, up on, up from, up against, well up, sits pretty, sitting pretty, more than it cost, more than was paid,
    more than _ paid, ahead, on the right side of zero, to _ advantage, for the better, # added, # to the better, #
    made on, # made from, # made with, above _ %start, over _ %start, beyond _ %start, # was made, # has been made,
    # is made, # comes in, # flows in, been added, was added, were added, over its value, above its value, beyond
    its value, # onto, # on top, # into %people, # into the %people, # into its value, # into the value, be added,
    # in gains, # in profits, # of gains, # of profit, # of profits, # on offer, # to be had, # up for grabs, # to
    the up, to the up, at an advantage, for the good, in _ pockets
    """,
)

LOSES = Phrases(
    verbs="""
    lose, cost, cost of #, walk away _ lighter, backfire, mislay, misplace, miss out on, be gone, be robbed,
    extort, inflict, impose, confiscate, expropriate, eviscerate, trash, torch, incinerate, vaporise, vaporize,
    jettison, undermine, whack, thump, thrash, slam, smash, crush, trounce, rout, sink in, let slip, blow, blow _
    on, hurt by, be hobbled, bequeath a loss, leave in the lurch, turn _ into loss, misfire, go awry, go astray, go
    to seed, go to pot, go belly up, fall apart, fall flat, come unstuck, come apart, come to grief, come a
    cropper, come undone, bite the dust, mar, spoil, tarnish, scar, scorch, singe, maim, mangle, puncture, plunder,
    pillage, loot, raid, fleece, milk, consume, devour, guzzle, gulp, corrode, rot, wear away, rub off, scrape _
    off, wrest _ from, snatch _ from, sweep away, wash away, carry off, make off with, whisk away, relieve _ of,
    divest _ of, saddle, be stung, be stuck with, chop, chop _ off, hack, axe, decimate, withhold, extinguish, take
    a bath, take a drubbing, take a hammering, take a pounding, take it on the chin, owe, leak away, pull _ out of,
    pull _ from, suck _ out, suck _ from, strip _ from, strip _ off, come at the expense, come at a price, costs of
    #, forfeit, surrender, sacrifice, cede, concede, relinquish, forgo, forsake, waste, squander, burn, burn
    through, bleed, erode, haemorrhage, hemorrhage, leak, drain, drain away, deplete, destroy, annihilate,
    devastate, ravage, obliterate, erase, wipe out, wipe _ out, wipe off, wipe _ off, wipe away, wipe _ from, wipe
    #, dent, damage, hurt, harm, hammer, batter, pummel, punish, bruise, maul, savage, pound, clobber, wound,
    injure, impair, sting, burden, penalise, penalize, cripple, sap, gouge, gut, suffer, swallow, stomach, endure,
    deduct, subtract, detract, dock, strip, rob, deprive, part with, write off, write _ off, peel off, shave, shave
    _ off, chip, chip _ off, chip away, clip _ off, slice, slice _ off, knock _ off, knock off, lop off, lop _ off,
    take _ off, take off #, take _ out of, take _ from, take _ away, take away, take #, take a hit, take a bite,
    take a beating, take a knock, take a battering, take a haircut, take a toll, take its toll, take losses, take _
    loss, cut _ from, cut _ off, cut into, eat into, eat up, eat away, eat _ away, eat _ up, eat #, bite into,
    gnaw, nibble, swallow up, gobble up, hit, hit _ for, set _ back, hand back, hand _ back, hand over, give away,
    give _ away, pay away, throw away, fritter away, trickle away, slip away, go up in smoke, go down the drain, go
    to waste, go missing, go begging, go badly, go wrong, go with, do badly, do poorly, fare badly, fare poorly,
    make a loss, make losses, make a dent, turn a loss, leave _ worse off, leave _ poorer, leave a hole, leave _
    hole, leave _ down, leave _ out of pocket, leave _ short, end badly, disappear, draw down, run at a loss,
    underdeliver, disappoint, dissipate, siphon off, skim off, tear _ from, tear _ out, rip _ out, rip _ from,
    carve _ out, remove, drag on, drag, weigh on, be out #, bring _ losses, dissolve, fail, come up short, come up
    empty, be charged, be billed, be fined, be taxed, be docked, be fleeced, be taken off, be taken from, be taken
    out, chew, chew up, chew through, stab, slay, flog, lash, squash, squeeze, pinch, nip, crunch, flatten,
    demolish, raze, dismantle, crack, hollow out, seep away, flow out, drown, slim, thin, lay waste, go to the
    dogs, go adrift, be whittled, take back, sour, curdle, yield # of, impoverish, beggar, shear, pay with, pay the
    price, sadden, grieve, distress, dismay, lose favour, lose favor, fall out of favour, fall out of favor, cost
    more than, cost less than, struggle, charge, levy, bill, tax, fine, struggle with, part company with, incur,
    shoulder, run up, rack up losses, be poorer, crystallise _ loss, crystallize _ loss, saddle _ with, lumber _
    with, burden _ with, land _ with, encumber _ with, leave _ nursing, wipe # off, wipe # from, nurse, leave _
    with a loss, take # from, sit on a loss, part with #, pay for, come out of, claim # of the, claim # of its, be
    paid for with, be paid with, pay for _ with, fritter, forego, denude, empty, end in tears
    """,
    nouns="""
    loss, deficit, shortfall, setback, letdown, let-down, washout, bad news, trouble, sore spot, thorn, casualty,
    headache, woe, misery, sorrow, grief, torment, torture, sting, fall guy, fiasco, catastrophe, calamity, ruin,
    wreck, mess, nightmare, bloodbath, carnage, giveback, give-back, bite, gash, knock, punch, slap, thrashing,
    drubbing, beating, hammering, mauling, battering, bath, stumble, misstep, millstone, albatross, burden, price
    of, bleeding, abyss, pit, leak, destruction of value, value destruction, hit, blow, hole, drain, destruction,
    depletion, impairment, write-down, writedown, write-off, markdown, haircut, red ink, loser, wound, pain,
    leakage, attrition, wipeout, wipe-out, debit, minus, toll, headwind, misfortune, disaster, damage, penalty,
    outflow, bad year, poor year, rough year, tough year, hard year, losing year, difficult year, dismal year, weak
    year, lean year, disappointment, failure, victim, sacrifice, losing streak, forfeiture, hurt, dent, drag,
    failing, reverse, bill, tab, price tag, tumble, outgo, defeat, charge, levy, surcharge, expense, cost to,
    surtax, hardship, haemorrhage, hemorrhage, decimation, collapse, shock, plight, downer, wrench, ordeal,
    decrement, retrenchment, wastage, cutback, mishap, adversity, detriment
    """,
    others="""
    exacted, exacts, exacting, negative, negatively, unprofitable, unprofitably, lossmaking, loss-making, losing,
    underwater, under water, below water, in the red, into the red, in the hole, in a hole, in deficit, in minus,
    at a loss, out of pocket, out of the money, worse off, worse, poorer, # lighter, # thinner, # gone, gone, short
    changed, out of luck, in trouble, hard hit, # worse, # poorer, # behind, below _ %cost, under _ %cost, beneath
    _ %cost, short of _ %cost, shy of _ %cost, less than was paid, less than it cost, # under cost, less than _
    paid, in tatters, badly, on the wrong side of zero, wrong side of zero, missing, lacking, from _ pocket, out of
    _ pocket, against the portfolio, against the owner, to _ detriment, to _ disadvantage, for the worse, to _
    cost, # short, short by, unfavourable, unfavorable, adverse, adversely, harmful, ruinous, below _ %start, under
    _ %start, beneath _ %start, short of _ %start, no longer there, under its value, below its value, beneath its
    value, # off the, # off its, # off %people, # out of the, # out of its, # from the portfolio, # from the bonds,
    # from the bond, # from its value, away by, away at, # in losses, # of losses, # at stake, # at risk, %persons
    have paid #, %persons paid #, %persons pay #, %persons has paid #, on the minus side, in arrears, to the bad, #
    to the bad, exposed to, vulnerable, at the mercy of, sensitive to, susceptible, costly, expensive
    """,
)

GOOD = Phrases(
    tones="""
    pleasing, healthy, excellent, outstanding, remarkable, terrific, superior, sound, solid, robust, good, strong,
    great, fine, favourable, favorable, satisfying, satisfactory, decent, comfortable, encouraging, enviable,
    sparkling, happy, handsome, handsomely, handy, welcome, gratifying, stellar, brilliant, splendid, superb,
    impressive, delightful, respectable, fat, juicy, kind, kindly, fortunate, lucky, attractive, admirable,
    commendable, rosy, bright, cheerful, memorable, vintage, generous, glorious, fabulous, wonderful, magnificent,
    exceptional, tidy, smart, smile, celebrate, proud, pride, joyful, delighted, glad, thank, strongest, calmest,
    cheering
    """,
)

BAD = Phrases(
    tones="""
    dismal, painful, painfully, bruising, dire, poor, poorly, disappointing, woeful, terrible, awful, bad, weak, bleak,
    sad, sorry, sobering, punishing, brutal, savage, unhappy, unsatisfactory, discouraging, lousy, rotten, sluggish,
    feeble, meagre, anaemic, abysmal, torrid, horrid, horrible, dreadful, grim, ugly, nasty, miserable, sour, unkind,
    harsh, cruel, rough, tough, hard, troubled, gloomy, unfortunate, unlucky, regrettable, wretched, bitter, dark,
    lean, disastrous, catastrophic, calamitous, shocking, worrying, frightening, unpleasant, unwelcome, unflattering,
    lacklustre, shabby, weakest, poorest, subdued, disappointed, disappoints, caution, forgettable
    """,
)
"""Where nothing else tells, what a number is called."""

RECOVERS = Phrases(
    verbs="""
    recover, regain, recoup, reclaim, retrieve, recapture, claw back, claw _ back, win back, win _ back, earn back,
    earn _ back, make back, make _ back, make up for, make up, make _ up, make good, make _ good, get back, gain
    back, climb back, bounce back, come back from, rebound from, recuperate, retake, restore, work off, recover
    from, bounce back from
    """,
    nouns="recovery, recoupment, catch-up, comeback",
)
"""They say a gain of what was gained, and a fall of what is still to be recovered."""

UNDOES = Phrases(
    verbs="""
    erase, undo, reverse, wipe out, wipe away, close, repair, fill, bridge, cancel, eliminate, heal, offset, cure
    """,
)
"""A fall that is undone is no more; a gain that is undone is not told so."""

RESTORED = Phrases(
    verbs="""
    be over, be history, be no more, be behind, have gone away, be gone, have vanished, have disappeared, have
    ended, have passed, have healed
    """,
    others="""
    no longer in, not in a drawdown, no trace, a thing of the past, has come back, have come back, has returned, is
    back, out of _ drawdown, out of _ slump, out of _ trough, out of _ fall, climbed out, come out of, dug itself
    out, crawled out, emerged from, escaped from, worked itself out, worked its way out, pulled out of, grown out
    of
    """,
)

PERSISTS = Phrases(
    verbs="remain, persist, linger, be left, be missing, be outstanding, be open",
)

PASSES_PEAK = Phrases(
    verbs="""
    top _ %peak, exceed _ %peak, lead _ %peak, outdo _ %peak, crest _ %peak, reclaim _ %peak, surpass _ %peak,
    eclipse _ %peak, clear _ %peak, overtake _ %peak, pass _ %peak, beat _ %peak, break _ %peak, outgrow _ %peak,
    reach _ new, set _ new, set _ record, hit _ record, hit _ new, mark _ record, better _ %peak, overshoot _ %peak,
    outstrip _ %peak, leave _ %peak # behind, leave _ %peak behind
    """,
    others="""
    above _ %peak, over _ %peak, beyond _ %peak, past _ %peak, ahead of _ %peak, north of _ %peak, upside of _
    %peak, through _ %peak, up on _ %peak, up from _ %peak, clear of _ %peak, higher than _ %peak, in excess of _
    %peak, %peak _ surpassed, %peak _ overtaken, %peak _ exceeded, %peak _ topped, %peak _ eclipsed, %peak _
    beaten, %peak _ passed, %peak _ bettered, %peak _ cleared, %peak _ broken, %peak _ outdone, %peak _ reclaimed,
    %peak _ recaptured, new high, new record, fresh high, fresh record, new peak, fresh peak, record high, all-time
    high, uncharted, %peak _ left # behind, %peak _ left behind, # beyond, atop _ %peak
    """,
)

NOT_DIRECTIONS = Phrases(
    verbs="""
    make up # of, take up, end up, give rise, add up, add up to, set up, follow up, lead to, go up against, turn up,
    come up with, run up against, make # of
    """,
    others="""
    up to, well over, little more than, no more than, more than, less than, rather than, lower limit, upper limit,
    bear in mind, no less than, the short end, at most, at least, not least, drop in the bucket, in the long run,
    cost of living, cost basis, purchase cost, cost of, at cost, costs of, better known, worst, best, deepest,
    living costs, in good shape, higher education, short term, short-term, no better than, short maturities, no
    worse than, no deeper than, no larger than, tax bill, tax bills, than it cost, than they cost, than it was,
    than before, good deal, great deal, prices of, tax authority, tax authorities, tax relief, tax office, tax
    rate, tax purposes
    """,
)
"""They say no direction, though a part of them would; so it is with the others that begin with NOT."""

CHANGES = Phrases(
    verbs="""
    tighten, shorten, lengthen, widen, narrow, loosen, cut, trim, raise, relax, extend, stretch, slacken, adjust,
    revise, reset, change, shift, dial back, dial down, dial up, bring up, bring back, set up, move, climb, jump, tick,
    drift, creep, edge, push out, pull in, come off, go from, come from, move from, double, settle, taper, work,
    let out
    """,
)

WORTH = Phrases(
    others="worth #, welcome",
)

MORE = Phrases(
    others="more",
)

LESS = Phrases(
    others="less, off yields, off the yield, off rates",
)
GOOD_TIMES = Phrases(
    nouns="""
    good day, good news, good spell, good year, good time, good run, good fortune, happy day, joy, luck, strength,
    rally, upswing, upturn, recovery, boom, fortune
    """,
    verbs="""
    thrive, prosper, flourish, shine, do well, fare well, have a good, be in demand, be bid
    """,
)
BAD_TIMES = Phrases(
    nouns="""
    bad day, bad news, bad spell, bad year, bad time, bad run, hard time, rough patch, trouble, pain, misfortune,
    shock, blow, slump, setback, crisis, difficulty, weakness, wobble, downturn, sell-off, selloff, rout, woe
    """,
    verbs="""
    struggle, suffer, stumble, falter, have a bad, be hurt, be hit, do badly, do poorly, wobble, be in trouble, be
    under pressure
    """,
)
