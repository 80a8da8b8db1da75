"""Phrases about a curve, that it is upward or inverted, and about two holdings, that they move together or apart.

Data, by meaning, as a thesaurus has them; how a fact is read by them is in `readings.py`.
"""

from domain.risk_analyses.phrases import Phrases

UPWARD = Phrases(
    verbs="""
    %lean _ up, %lean _ upward, %lean _ upwards, %lean _ uphill, %lean _ higher, steepen, rise, climb, ascend, incline,
    reward, compensate, increase, right itself, straighten, straighten out
    """,
    nouns="""
    term premium, upslope, ascent, right way round, incline, premium, compensation for, reward, normalisation,
    normalization, disinversion, uninversion, un-inversion, steepness, upward tilt, steepening
    """,
    others="""
    as it should, in good health, back on its feet, orthodox, classic, classical, well shaped, as nature intended,
    right side up, upward, upwards, positive, positively, steep, steeper, uphill, rising, normal, normally,
    normally shaped, conventional, conventionally, upsloping, upright, ordinary, healthy, as is usual, as usual,
    rewarded, in _ usual shape, regular, textbook, un-inverted, uninverted, un inverted, disinverted, normalised,
    normalized, the right way up, right way round, ascending, expansionary, back to normal, out of inversion, into
    positive territory, in positive territory, above zero, righted, the right way, usual way, normal way, proper
    way, customary way, the way it should
    """,
)

INVERTED = Phrases(
    verbs="""
    %lean _ down, %lean _ downward, %lean _ downwards, %lean _ downhill, %lean _ lower, invert, stand on its head,
    turn on its head, deduct, dock, penalise, penalize, punish, fall, decline, descend, dip, flip, upend
    """,
    nouns="inversion, backwardation, downslope, descent, decline, discount, penalty",
    others="""
    out of joint, out of kilter, the wrong shape, distorted, warped, twisted, turned over, ill, sick, unhealthy,
    counterintuitive, the other way round, the other way up, inverted, downward, downwards, negative, negatively,
    downhill, upside down, upside-down, inverse, inversely, reversed, backward, backwards, back to front, wrong way
    round, wrong way up, the wrong way, on its head, topsy-turvy, topsy turvy, abnormal, abnormally, perverse,
    perversely, unusual, unusually, anomalous, descending, falling, negatively sloped, below zero, the reverse,
    reverse of, into negative territory, in negative territory, underwater, upturned, unnatural, sub-zero,
    misshapen
    """,
)

MORE_PAID = Phrases(
    verbs="""
    exceed, top short, top the short, top long, top the long, surpass, outyield, out-yield, outstrip, tower above,
    tower over, outpay, beat, gain, lead, overtake, add, earn #, receive #, pick up, enjoy, collect, tack on, outrank,
    outdo, outpace, compensate, extract, command, reach, match, equal, overtop
    """,
    nouns="premium, bonus, advantage, pickup, pick-up, pick up, surplus, extra, excess, reward",
    others="""
    tops, topped, paid # for, paid a # for, above, over, more, higher, extra, better, greater, on top, beyond,
    ahead, in excess, in front, richer, larger, up on, north of, dearer, costlier, more expensive, atop
    """,
)

LESS_PAID = Phrases(
    verbs="""
    give up, sacrifice, forgo, forfeit, concede, trail, lag, lose, undershoot, fall short, surrender, cost, deduct,
    subtract, dock, withhold, penalise, penalize, punish, charge, fine, levy, bill
    """,
    nouns="discount, penalty, disadvantage, shortfall, deficit, sacrifice, loss",
    others="""
    below, beneath, under, underneath, less, lower, short of, shy of, worse, smaller, behind, poorer, fewer, inferior,
    south of, cheaper, less expensive, less costly
    """,
)

NOT_OF_SLOPES = Phrases(
    others="""
    over the year, over time, usual order, no longer, as long as, so long as, over the last, at least, yield curve
    """,
)

NOT_A_SHAPE = Phrases(
    others="fall short, falls short, fell short, falling short",
)

TOGETHER = Phrases(
    verbs="""
    agree, concur, coordinate, correspond, resonate, cohere, sympathise, sympathize, reproduce, emulate, parallel,
    marry up, keep time, keep in step, cling, follow, mirror, accompany, infect, wed, marry, attach, fuse, spill
    over, spread to, dance to the same, sing from the same, redouble, trail, tail, co-vary, covary, echo, amplify,
    reinforce, compound, coincide, shadow, track, link, tie, couple, join, bind, glue, chain, co-move, comove,
    synchronise, synchronize, mimic, copy, imitate, ape, parrot, duplicate, replicate, tether, trot along, trot
    behind, tag along, tag behind, hug, align, harmonise, converge, cluster, intertwine, entwine, interlock, match,
    resemble, overlap, conspire, travel together, march together, add to each, deepen, share the same, share _
    losses, share _ fate, share _ days, share _ moves, aggravate, magnify, drag _ down with, drag _ along, pull _
    along, pull _ down with, keep company, keep pace, go along, move with, rise with, fall with, sink with, go hand
    in hand, lock, connect, rise when, fall when, fall as, rise as, concentrate, double down, worsen, exacerbate,
    heighten, intensify, multiply, add to, share risks, share drivers, share _ risks, share _ drivers, destabilise,
    destabilize, inflame
    """,
    nouns="""
    sympathy, team, family, close relative, relative, ally, friend, mate, companion piece, union, unity, harmony,
    accord, agreement, symbiosis, duo, duet, consonance, resonance, cohesion, coordination, correspondence,
    lockstep, lock-step, unison, peas in a pod, domino, contagion, chorus, same tune, same boat, same song, same
    drum, same tide, same wave, same root, same fate, soulmate, tandem, synchrony, twin, clone, duplicate, replica,
    companion, companionship, resemblance, likeness, shadow, alignment, same direction, same way, same day, same
    bet, concert, affinity, kinship, co-movement, comovement, comrade, sibling, birds of a feather, togetherness,
    similarity, amplifier, multiplier, magnifier, accelerant, booster, spur
    """,
    others="""
    of the same mind, as a team, as a unit, as a block, en bloc, in sympathy, harmonious, harmoniously, closely
    tied, closely bound, closely allied, close ties, tied together, near duplicates, near identical, almost
    identical, cheek by jowl, in tow, together, alike, same, jointly, kindred, in cahoots, two peas, of a piece, of
    the same, to the same, joint, parallel, similarly, similar, in step, in sync, in time, in concert, in harmony,
    in line, side by side, shoulder to shoulder, hand in hand, arm in arm, in tune, in lock step, lock step,
    lock-step, in phase, akin, identical, identically, simultaneously, at once, at the same time, positive,
    positively, positively correlated, strongly correlated, highly correlated, closely correlated, tightly
    correlated, closely linked, close relationship, close relation, strong relationship, strong link, tight link,
    tight, tightly, closely related, interchangeable, inseparable, indistinguishable, inseparably, joined at the
    hip, cut from the same cloth, sink or swim, in the same boat, one way, like a single, as a single, as though a
    single, each other's losses, each other's swings, each other's moves, alongside, likewise, too, as well,
    synchronised, synchronized, in unison, redundant, redundancy, false comfort, false security, hand in glove,
    concentrated, lump, in parallel, along with, together with, as a pair, same rhythm, the same, the same way, the
    same time, the same direction, of the same kind, in common, much in common, everything in common, a lot in
    common, of the same ilk, the same stock, the same family, closely %linked, strongly %linked, tightly %linked,
    positively %linked, highly %linked, each other company, where @ goes, high correlation, strong correlation,
    close correlation, tight correlation, so does @, so do @, so did @, so is @, little to be gained, nothing to be
    gained, ups and downs, as one, fail together, common driver, same driver, same drivers, common drivers, common
    factor, common risk, common risks, substitutes, double the, direct relationship, direct relation, direct link,
    positive relationship, positive relation, positive link, positive correlation, directly related, directly
    linked
    """,
)

OPPOSITE = Phrases(
    verbs="""
    complement, repel, take the edge off, take the sting out, soften the blow, cushion the blow, break the fall,
    come to the rescue, step in, pick up the slack, fill the gap, hold up when, hold firm when, stand firm when,
    move against, pull against, work against, lean against, run against, go against, push against, fight, resist,
    thwart, defy, oppose, offset, counter, counterbalance, counteract, counterweigh, diverge, hedge, diversify,
    cushion, compensate, balance, dampen, damp, soften, absorb, make good, calm, soothe, shelter, neutralise,
    neutralize, cancel, cancel out, cancel _ out, buffer, protect, shield, insulate, make up for, make up,
    mitigate, decouple, part ways, part company, go _ separate ways, go separate ways, go _ own way, pull apart,
    drift apart, move apart, pull in different, zig, zag, seesaw, see-saw, smooth, clash, contradict, run counter,
    stabilise, stabilize, insure, guard, contrast, disagree, tame, steady, even out, even _ out, negate, temper,
    blunt, alleviate, ease, rescue, relieve, spread, prop up, hold up, bear up, take turns, alternate, make up for
    each other, absorb each other, mitigate each other, limit each other, reduce each other, lower the risk, reduce
    the risk, cut the risk, smooth each other, cushion each other, soften each other, absorb _ losses, mitigate _
    losses, limit _ losses, reduce _ losses, smooth _ swings, make up for _ losses, offset _ losses, soften _
    losses, cushion _ losses, go _ own ways
    """,
    nouns="""
    stranger, enemy, opponent, adversary, discord, friction, tension, complement, flip side, other side of the coin,
    crosscurrent, resilience, rescue, polarity, mirror opposite, cross purposes, counterweight, hedge, diversifier,
    umbrella, parachute, airbag, calming influence, tranquiliser, sedative, worlds apart, opposite pole,
    polar opposite, safety net, lifeline, brake, anchor, yin and yang, chalk and cheese, oil and water, fire and ice,
    cat and dog, rival, foe, different tune, different drummer, different drum, different song, different path, relief,
    safety valve, diversification, opposite, offset, cushion, buffer, antidote, foil, counterpoise, divergence,
    insurance, ballast, safe haven, antagonist, opposition, seesaw, see-saw, shock absorber, protection, counterpart,
    contrast, disagreement, stabiliser, stabilizer, refuge, shelter, mirror image, tug of war, tug-of-war,
    counterbalance, hedging, different directions, different ways, separate ways, opposite directions, opposite ways,
    other way, other direction, stability, steadiness, calm, comfort
    """,
    others="""
    distant, alien, discordant, complementary, contrary ways, the other way, in the other direction, hostile,
    mutually exclusive, at variance, incompatible, opposite, oppositely, opposing, worlds apart, miles apart, out
    of kilter, own ways, own way, contradictory, at war, on opposite, in opposition, crossed, opposed, against
    each, inverse, inversely, contrary, contrarily, contrarian, apart, at odds, reverse, in reverse, negative,
    negatively, negatively correlated, inversely correlated, uncorrelated, independently, independent, unrelated,
    unlinked, different, differently, out of step, out of sync, out of phase, out of tune, poles apart, crosswise,
    counter to, conversely, unlike, antagonistic, antithetical, dissimilar, at loggerheads, at cross purposes,
    loosely, weakly correlated, on opposite sides, unconnected, separate, separately, divergent, like a see-saw,
    anticorrelated, anti-correlated, inversely related, negatively related, negative relationship, inverse
    relationship, inverse link, little in common, nothing in common, not much in common, unalike, %inversely
    %linked, other side, low correlation, weak correlation, much to be gained, ups for downs, at the expense of, at
    _ expense, to the detriment of, opposites, seldom together, untouched, unaffected, unscathed, unharmed, immune
    """,
)

NOT_OF_PAIRS = Phrases(
    others="""
    on balance, with each, as well as, in line with its, against the background, no different, portfolio as well,
    link of #, link between, their link, the link, a link, tie of #, their tie, the tie, relationship, relation
    """,
)
