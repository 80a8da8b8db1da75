"""Phrases about a number beside another: ahead of a benchmark or behind, over a limit or within, beyond a loss or
inside, often or seldom.

Data, by meaning, as a thesaurus has them; how a fact is read by them is in `readings.py`.
"""

from domain.risk_analyses.phrases import Phrases

NOT_COMPARED = Phrases(
    others="""
    outcome, outcomes, outlook, outlooks, outright, outset, outline, outlined, outlines, outstanding, output, outputs,
    outlay, outlays, outflow, outflows, outage, outlet, outlets, outer, outward, outwardly, outing, outgoings,
    outgoing, outspoken, outlier, outliers, outback, overall, overnight, overseas, oversight, overview, overdue,
    overlap, overlaps, overlapping, overcome, overhaul, overcast, overhead, overly, overlook, overlooked, overlooks,
    overtime, overwhelmingly, underlying, underlie, underlies, understand, understandable, understood, undergo,
    undergone, underway, underline, underlines, underlined, underpin, underpins, underpinned, underscore, underscores,
    underscored, undertake, undertaken, underwritten, undertone, underestimate, overestimate, overstate, understate,
    overt, overtly, overcame
    """,
)
"""Words in out-, over- and under- that compare nothing."""

BEATS = Phrases(
    verbs="""
    humble, humiliate, embarrass, floor, conquer, master, overpower, dominate, school, smoke, cream, lick,
    dethrone, unseat, nose ahead, squeak past, romp ahead, sail past, cruise past, sprint past, breeze past, race
    past, sweep past, pull past, move past, get past, run past, come past, beat, outperform, outpace, outdo,
    outstrip, outrun, outshine, outclass, outgain, outscore, outearn, outmatch, outgun, outdistance, outgrow,
    outsmart, outmanoeuvre, outmaneuver, outplay, outrank, outwit, outflank, outdeliver, outyield, out-yield,
    exceed, surpass, top #, top @, top _ %limit, overtake, best, trounce, thrash, trump, eclipse, crush, defeat,
    overshadow, overhaul, whip, vanquish, pip, edge out, edge _ out, edge #, out*, clear the bar, clear _ bar, run
    rings around, run rings round, wipe the floor with, make short work of, see off, beat _ to it, put _ to the
    sword, edge past, dwarf, transcend, upstage, leave behind, leave _ behind, leave _ in the dust, leave _
    trailing, leave _ in _ wake, leave _ standing, get the better of, put in the shade, put _ in the shade, put _
    to shame, steal a march on, show _ heels, lap, pass, have the measure of, leave behind @
    """,
    others="tops, topped, topping, bettered, bested",
)
"""Whoever is beaten by whom is the other way round in the passive."""

LEADS = Phrases(
    verbs="""
    favour the portfolio, favor the portfolio, favour this portfolio, come top, set the pace, stretch its lead,
    draw ahead, draw clear, nudge ahead, vindicate, lead, pull ahead, pull away, belong to the portfolio, belong to
    this portfolio, squeeze # more, go to the portfolio, pull clear, race ahead, forge ahead, run ahead, move
    ahead, come out ahead, finish ahead, end ahead, get ahead, inch ahead, edge ahead, stay ahead, come out on top,
    finish on top, come out in front, finish in front, hold up better, fare better, do better, perform better, have
    the edge, have the upper hand, have the better of, get the upper hand, keep _ nose in front, put # between, win
    out, prevail, triumph, keep up, keep pace, keep step, keep up with, match, catch up, keep abreast, live with,
    compete with, hold a candle to, stay level, hold _ own, hold up against, stand up to, help, shine, excel, hold
    a lead, tack on, notch up #, pick up, make up #, claw back, have the last laugh, steal # on, have # on, score
    over, come out above, end above, rank above, come in above, finish above, come off best, come off better, come
    first, take # from @, take # from the @, wrest # from @, wrest # from the @, win # from @, win # from the @,
    take # off @, gain # on @, wring # from @, compare favourably with @, compare favorably with @, compare well
    with @
    """,
    nouns="""
    outperformance, outperformer, lead, front runner, frontrunner, victor, champion, pole position, advantage, edge,
    head start, margin of victory, alpha, victory, triumph, overperformance, superiority, excess, excess return,
    value added, added value, winning margin
    """,
    others="""
    past @, clear of @, up on @, out in front, # beyond, superior to @, margin over @, margin of # over @, surplus
    over @, cushion over @, ahead, above @, over @, worse served by @, worse off in @, worse off with @, milder,
    shallower, gentler, smaller loss, smaller fall, smaller drop, lesser loss, less of a loss, less of a fall,
    streets ahead, a cut above, head and shoulders above, quicker, in front, on top, better, superior, stronger,
    extra, upper hand, in excess of, on the right side of, # over @, # above, # beyond @, # ahead, # in front, #
    better, # on top, # up on, # clear of, # more than, more resilient, more robust, more successful, more
    rewarding, more profitable, more fruitful, steadier, to the better, too good for, # too good for, too strong
    for, # too strong for, kinder to the portfolio, kind to the portfolio, more successfully, more ably, more
    gracefully, more robustly, %deliver more than, less badly, wiser, cleverer
    """,
)

LAGS = Phrases(
    verbs="""
    favour @, favor @, trail in, lose touch, lose contact, drop off the pace, stay with, limp home, miss out on,
    underperform, lag, lag behind, belong to @, belong to the @, go to @, go to the @, bow to, yield to, lose
    ground to, play catch up, chase, eat _ dust, under*, defer to, trail, trail behind, undershoot, miss, drag
    behind, fall behind, fall short, fall shy, fall # short, fall # shy, fall # behind, come up short, come up #
    short, come # short, come in below, drop behind, slip behind, slide behind, finish behind, end behind, limp
    behind, run behind, stay behind, be left behind, bring up the rear, lose to, lose # to, lose out, give # to,
    give up # to, give way, come off worse, come out worse, fare worse, do worse, perform worse, flag, straggle,
    drop # to, disappoint, leave # on the table, leave _ behind @, leave _ # behind @, behind @, limp, fail by,
    fare less well, do less well, pale, fail to keep, come out below, end below, rank below, finish below, come off
    second, come off worst, come last, compare unfavourably with @, compare unfavorably with @, compare badly with
    @, compare poorly with @
    """,
    nouns="""
    underperformance, underperformer, laggard, also ran, also-ran, straggler, runner up, runner-up, catch-up,
    poor relation, letdown, let-down, disadvantage, lag, shortfall, deficit, handicap, arrears, shortcoming,
    value destruction, gap to
    """,
    others="""
    off the pace, inferior to @, margin of # behind, deficit to @, gap of # to @, richer with @, richer in @,
    richer by # with @, richer by # in @, behind, below, worse, short of, better served by @, better off in @,
    better off with @, too late, deeper loss, deeper fall, steeper fall, steeper loss, larger loss, bigger loss,
    heavier loss, larger fall, bigger fall, second fiddle, slower, in _ shadow, shy of, inferior, weaker, adrift,
    in arrears, underneath, fewer, poorer, lower, # short, # shy, # adrift, # below, # behind, # under, # less
    than, no match for, second best, in its wake, in the wake of, on the wrong side of, at the back, upper hand
    over the portfolio, less resilient, less robust, less successful, less rewarding, less profitable, less
    fruitful, # too little, left on the table, kinder to @, kind to @, less well, less successfully, less ably,
    less gracefully, less robustly, %deliver less than, at the bottom, at the rear, less wise, less clever
    """,
)

BREAKS = Phrases(
    verbs="""
    tip over, step over, step outside, fall outside, lie outside, sit outside, sail over, barge through, crash
    through, invade, intrude, surmount, breach, break, exceed, violate, disrespect, take liberties, over*, strain
    at, poke through, ride roughshod, make a mockery of, depart from, deviate, override, overwhelm, swamp, outstay,
    fail, fail _ test, blow its lid, cross the line, overstay, break the rules, break the bank, miss _ mark, burst
    its banks, burst at the seams, overtax, overburden, evade, snap, shatter, overshoot, surpass, cross, top #, top
    @, top _ %limit, overstep, overrun, pass, infringe, flout, burst, transgress, contravene, bust, ignore,
    disregard, offend, defy, trample, overflow, trespass, disobey, rupture, pierce, breakthrough, run past, run
    over, run through, run beyond, blow through, blow past, break through, spill over, spill past, go beyond, go
    over, go past, go above, shoot past, shoot through, push past, push through, push beyond, creep past, creep
    over, slip past, rise past, rise above, grow past, grow beyond, drift past, drift above, drift beyond, swell
    past, fall foul of, run foul of, run afoul of, fall afoul of, conflict, clash, collide, encroach, overreach,
    overfill, outweigh, outstrip, smash, reach _ %limit, hit _ %limit, stray, be at odds, overload, overweigh,
    overextend, sail past, jump past, stretch past, stretch beyond, overdo, outrun, go further, go farther, stretch
    further, use up, overstep the mark, outsize, hog, go through, rise through, shoot up past, thumb its nose,
    snub, scorn, spurn, shrug off, outgrow, strain, endanger, threaten, imperil, jeopardise, jeopardize, test,
    stretch, bump through, run counter to, forbid, prohibit, ban, leave _ %allowed range, exit _ %limit, leave its
    %limit, leave the %limit
    """,
    nouns="""
    breach, violation, infringement, exceedance, overshoot, overrun, transgression, contravention, infraction,
    excess, offence, offense, non-compliance, noncompliance, overstep, overage, overhang, offender, trespass,
    objection, complaint, compliance problem, compliance issue, compliance concern, problem for compliance, issue
    for compliance, problem
    """,
    others="""
    more than, red line, more _ than it should, more _ than it may, more _ than it ought, too much, beyond what,
    above what, past what, in excess of what, imprudent, immoderate, out of proportion, out of hand, out of
    control, unruly, untenable, in the danger zone, tops, topped, topping, above, over, beyond, past, outside,
    excessive, offside, does not hold, do not hold, did not hold, no longer holds, larger than, plenty wrong,
    action is called for, calls for action, overgrown, too rich, too fat, too dominant, too prominent, over the
    line, over the top, off limits, out of its lane, in the red zone, illicit, red flag, wanting, in contempt, in
    defiance, excessively, oversized, oversize, overlarge, outsized, overweight, too large, too heavy, too big, too
    high, too concentrated, too great, overweighted, overextended, out of bounds, out of line, out of order, out of
    range, out of compliance, on the wrong side, wrong side, in breach, in violation, in excess, in conflict,
    inadmissible, impermissible, unlawful, illegal, forbidden, prohibited, disallowed, noncompliant, non-compliant,
    incompatible, impermissibly, more than _ %limit, more than _ %allowed, # more than, higher than, greater than,
    bigger than, heavier than, upwards of, north of, broken, up against, larger than _ %allowed, more than #
    %allowed, more than # is, not permitted, not allowed, not be allowed, not be permitted, surplus, overly,
    unacceptable, unacceptably, at odds, foul of, afoul of, in danger, in peril, at fault, outside the lines,
    unwieldy, ungainly, exhausted, is broken, are broken, %larger than it should, %larger than it may, %larger than
    it ought, %larger than it might, through the roof, through the ceiling, through its ceiling, is higher, is
    larger, is greater, is heavier, is bigger, in the face of, more _ than, should never have reached, should not
    have reached, %limit is lower, %limit is smaller, cause for concern, cause for worry, out of step, out of tune,
    out of keeping, out of harmony, at variance, contrary to, barred, ruled out, should not weigh, must not weigh,
    may not weigh, cannot weigh, compliance requires, compliance demands, at risk, under threat, in jeopardy, under
    strain
    """,
)

SWELLS = Phrases(
    verbs="swell to, bloat, bulge, balloon to, mushroom to, grow to",
    others="swollen, bloated",
)
"""Where nothing else tells, what has grown is too large."""

KEEPS = Phrases(
    verbs="""
    respect, meet, comply, satisfy, follow, give _ a wide berth, give _ wide berth, behave, leave _ unused, leave _
    untouched, leave _ to spare, leave _ intact, leave space, observe, honour, honor, keep to, keep within, keep
    below, keep inside, keep under, keep clear, fit, conform, obey, abide, adhere, accommodate, tolerate, stick to,
    heed, fall within, fall inside, fall below, fall under, sit comfortably, leave room, leave headroom, leave
    slack, stop short, stop before, fall short, come in under, come in below, have room, cohere, accord, acquiesce,
    pass muster, toe the line, live within, uphold, play by, fulfil, fulfill, undershoot, pass _ test, pass
    inspection, go no further, go no farther, keep _ %limit, keep it, play by the rules, follow the rules, trigger
    no, sound no alarm, raise no alarm, permit the present, permit #, endorse, sanction, condone, approach, near,
    pass, cover, allow #
    """,
    nouns="""
    headroom, room, slack, leeway, daylight, wide berth, green light, breathing room, spare capacity, space, legroom,
    latitude, compliance, adherence, elbow room, wiggle room, breathing space, cushion, buffer, conformity, observance,
    margin of safety
    """,
    others="""
    contained, confined, orderly, manageable, prudent, moderate, disciplined, within its rights, some distance
    from, some distance to, a way below, well away from, some way from, some way to, a way to go, reined in, on a
    leash, # of room, within, below, under, inside, beneath, in its lane, nowhere near, action is not called for,
    no action, calls for no, on the safe side, yet to test, far short, far below, under control, in good shape, no
    worry, no reason to, spared, in the green, no objection, unobjectionable, blameless, well behaved, at arm's
    length, at a safe distance, nothing wrong, a safe distance, not a concern, no concern, beyond reproach,
    underneath, short of, shy of, south of, compliant, acceptable, acceptably, admissible, permissible,
    permissibly, allowable, tolerable, safe, safely, comfortable, comfortably, in order, in line, in check, in
    bounds, in compliance, in accordance, in keeping, in conformity, on the right side, right side, on side, clear
    of, far from, a long way from, well off, less than, smaller than, lower than, smaller, lighter than, # less, #
    under, # below, # short, # shy, not yet at, at peace with, safe side, harmless, is permitted, lawful, is
    allowed, are allowed, is kept, are kept, been kept, being kept, kept, unproblematic, %limit holds, %limit of #
    holds, %limit _ holds, modest, consistent with, compatible, unbroken, intact, untouched, unbreached, unused, to
    spare, no problem, no issue, no cause, fine, legal, in good order, up to standard, undisturbed, inoffensive, in
    good standing, out of danger, inside the lines, between the lines, in obedience, obedient, obediently, law
    abiding, rule abiding, dutifully, in step with its limit, no constraint, not a constraint, no obstacle, not
    binding, no hindrance, no trouble, no difficulty, no quarrel, no conflict, well before _ %limit, yet to fill,
    yet to use, yet to exhaust, yet to reach, no grounds for, no reason for, no cause for, respectful distance,
    safe distance, is lower, is smaller, is less, at ease, that the %limit allows, which the %limit allows, that
    its %limit allows, that the %limit permits, less _ than, free to grow, %limit is higher, %limit is larger,
    %limit is greater, in step, in harmony, in tune, in agreement, in accord, no strain, not come near, not come
    close, not get near, not get close, not approach, not reach, not touch, never reach, nowhere close, not even
    near, covered by, accepted, capped, unspent, unfilled, unexhausted, distant, far off, far away, a long way off
    """,
)

CURE = Phrases(
    verbs="""
    trim, cut, sell, reduce, bring _ down, bring _ back, bring back, bring down, shrink, scale back, scale _ back,
    pare, pare back, shave, slim down, slash, lower, come down, come back, go down, sell down, lighten, prune,
    return to, rein in, rein _ in, cut back, cut _ back, cut _ down, divest, unload, offload, remedy, cure, correct,
    shed, move back, get back, get _ back, take _ down, run down, wind down, push _ back, fall to
    """,
    nouns="sale, cut, reduction, trim, disposal, remedy, cure, correction, divestment, trimming, rebalancing",
)
"""A breach needs one of them."""

BEYOND = Phrases(
    verbs="""
    exceed, surpass, top #, pass, overshoot, breach, break, break through, go beyond, go past, outstrip, cross,
    overstep, eclipse, run past, run beyond, outdo
    """,
    others="""
    more than, beyond, larger than #, worse than #, greater than #, bigger than #, above, at least, over #, in
    excess of, deeper than #, heavier than #, higher than #, steeper than #, outside, past #, no less than #, no
    smaller than #, upwards of, severer than #, north of, or more, or worse, as much as, as large as, as deep as,
    as bad as, as big as, as heavy as, as high as, are worse, is worse, was worse, be worse, are larger, are
    bigger, are deeper, are heavier
    """,
)

INSIDE = Phrases(
    verbs="stay, remain, hold, fall short, contain, confine, limit, cap, keep to, stop short, end short",
    others="""
    within, inside, less than, below, under, smaller than #, lower than #, up to, at most, not above, no larger than #,
    no greater than #, no worse than #, short of, shy of, beneath, milder than #, lighter than #, no bigger than #,
    no higher than #, or less
    """,
)

MOSTLY = Phrases(
    nouns="norm, rule, habit, routine, everyday occurrence, matter of course",
    others="""
    on a regular basis, regular, unremarkable, unexceptional, the order of the day, standard, as often as not, the
    new normal, day in day out, most, nearly every, almost every, every, vast majority, majority, typical,
    typically, usual, usually, ordinary, ordinarily, average, regularly, routinely, normally, normal, commonplace,
    common, commonly, frequently, frequent, often, more often than not, as a rule, everyday, par for the course,
    hardly a day, scarcely a day, day after day, more days than not, all the while, plentiful, abundant, legion,
    numerous, many, habitual, an average, garden variety, run of the mill, all in a day's work, nothing unusual,
    all too often, business as usual, nearly all, almost all, nearly always, almost always, always, constantly,
    generally, mostly, habitually, day in, all but, time and again, all the time, likely, customary, invariably,
    the bulk of, consistently, repeatedly, mild, mildest, calm, calmest, quiet, quietest, placid, benign, best
    days, good days, an uneventful, nothing special, nothing out of the ordinary, no surprise, nothing remarkable,
    no rarity, no exception, nothing new, tranquil, peaceful, even in, in calm markets
    """,
)

OF_LABELS = Phrases(
    others="""
    not exceeded on most days, not passed on most days, most days do not pass, most days do not exceed,
    most days escape
    """,
)
"""They say which loss is meant, not how often it is passed."""

RARELY = Phrases(
    nouns="exception, rarity, outlier, extreme, emergency, crisis",
    others="""
    black swan, anomaly, fluke, aberration, hard to imagine, once a, remote, out of the ordinary, out of character,
    scarce, few and far between, thin on the ground, a truly bad, an unusually bad, a very bad, limited to, a surprise,
    surprising, extraordinary, freak, abnormal, once in, only now and then, now and then, rare, rarely, seldom, few,
    infrequent, infrequently, occasionally, occasional, uncommon, uncommonly, unusual, unlikely, exceptional,
    exceptionally, worst, the worst, bad, bad day, extreme, handful, once in a while, once in a blue moon, only on,
    hardly ever, scarcely ever, almost never, unexpected, improbable, tail, hardly any, very few, minority,
    from time to time, severe, than most, than usual
    """,
)

NOT_OF_LIMITS = Phrases(
    others="""
    over time, over the year, beyond doubt, beyond question, beyond dispute, beyond criticism, under control, with
    respect to, in respect of, # that is permitted, # that is allowed, # which is permitted, # permitted, #
    allowed, below the surface, allowed #, permitted #, the allowed, the permitted, no more than #, the report,
    room for, above all, over the last, over the past, at least, limit of the, under review, as far as, over a
    year, safe haven, what is allowed, what is permitted, than is allowed, than is permitted, what was allowed,
    under the %rules, under its %rules, # under the %rules, # under its %rules
    """,
)
