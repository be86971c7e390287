Feature: Conflicts
  A record that somebody else changed between the decision and the write is looked at once more. If the same would be
  written, and the same decided for the same reasons, it is written on the record as it is now. Otherwise it is decided
  anew, as long as nothing of the intent is written: only those are asked again whose reasons have changed. Where
  something may be written, or the record never comes to rest, somebody answers for it.

  Scenario Outline: a change that is none of our business holds nothing up
    Given an approved intent with one effect whose guarantee is <guarantee>
    When the record is changed elsewhere, and the same would be written
    And whoever is asked finds nothing there
    And 1 minute passes
    Then the effect is landed
    And it was written with new keys, on the record as it is now
    And nobody is asked about it

    Examples:
      | guarantee      |
      | by-key         |
      | by-natural-key |
      | by-probe       |
      | blind          |

  Scenario: what a target refused as a conflict and holds all the same is not written again
    Given an approved intent with one effect whose guarantee is by-key
    When the record is changed elsewhere, and the same would be written
    And the look for it finds it there
    And 1 minute passes
    Then the effect is landed
    And the target was sent 1 write

  Scenario Outline: what would be written otherwise is decided anew, once it is known that nothing is in
    Given an approved intent with one effect whose guarantee is <guarantee>
    When the record is changed elsewhere, and something else would be written
    And whoever is asked finds nothing there
    And 1 minute passes
    Then it is decided anew, as `amount` was nothing when it was approved and is 7.00 USD now
    And the effect is landed
    And it was written under another key, on the record as it is now
    And nobody is asked about it

    Examples:
      | guarantee      |
      | by-key         |
      | by-natural-key |
      | by-probe       |

  Scenario: what is found to be in after all is not decided anew
    Given an approved intent with one effect whose guarantee is by-key
    When the record is changed elsewhere, and something else would be written
    And the look for it finds it there
    And 1 minute passes
    Then the effect is landed
    And the target was sent 1 write

  Scenario: what may have gone out before the host died is looked for first
    Given an approved intent with one effect whose guarantee is by-natural-key
    When the host dies in the first attempt, and the second finds something else there and sends nothing
    And whoever is asked finds nothing there
    And 1 minute passes
    Then it is decided anew, as `amount` was nothing when it was approved and is 7.00 USD now
    And the target was asked whether it is in
    And the effect is landed

  Scenario: what nobody has seen is seen by everybody who decided
    Given a discount of 12 % that people have approved at a margin of 5 %
    When the quote is changed elsewhere, and something else would be written there
    And whoever is asked finds nothing there
    And 1 minute passes
    Then everybody who decided is asked again
    When everybody approves who is asked now
    Then the quote is priced

  Scenario: a record that is otherwise again and again is somebody's
    Given an approved intent with one effect whose guarantee is by-key
    When the record is changed elsewhere four times, and something else would be written each time
    And whoever is asked finds nothing there
    And 10 minutes pass
    Then an exception with cause conflict has an owner
    And the target was sent 4 writes

  Scenario: what nobody can look for is not decided anew, and somebody sees what is otherwise
    Given an approved intent with one effect whose guarantee is blind
    When the record is changed elsewhere, and something else would be written
    And 1 minute passes
    Then an exception with cause conflict has an owner
    And somebody reads that `amount` was nothing when it was approved and is 7.00 USD now
    And the target was sent 1 write
    When the record is as it was, and the owner closes the exception of cause conflict by retry
    And 1 minute passes
    Then the effect is landed

  Scenario: a record that never comes to rest is somebody's
    Given an approved intent with one effect whose guarantee is by-probe
    When the record is changed elsewhere again and again
    And whoever is asked finds nothing there
    And 5 minutes pass
    Then an exception with cause conflict has an owner
    And the target was sent 6 writes
    When it comes to rest, and the owner closes the exception of cause conflict by retry
    And 1 minute passes
    Then the effect is landed
    And the target was sent 7 writes
    And the last one was written on the record as it came to rest

  Scenario Outline: what it was decided on is looked at once more
    Given a discount of 12 % that people have approved at a margin of <was> %
    When the quote is changed elsewhere, and its margin is <now> % now
    And whoever is asked finds nothing there
    And 1 minute passes
    Then the quote is <end>

    Examples: the same would be decided, or nobody who decided would be asked again
      | was | now | end    |
      | 40  | 40  | priced |
      | 40  | 35  | priced |
      | 10  | 12  | priced |

  Scenario Outline: whoever decided on something else is asked again, and nobody else
    Given a discount of 12 % that people have approved at a margin of <was> %
    When the quote is changed elsewhere, and its margin is <now> % now
    And whoever is asked finds nothing there
    And 1 minute passes
    Then it is decided anew, as what it was decided on has changed: `margin` was <was>% and is <now>% now
    And the voices of <hold> hold, and <asked> is asked
    When everybody approves who is asked now
    Then the quote is priced

    Examples:
      | was | now | hold    | asked   |
      | 40  | 5   | manager | finance |
      | 12  | 10  | manager | finance |

  Scenario: an intent does not count itself among what was approved
    Given more than 10000 that was approved for one customer within 7 days needs finance
    And a discount of 12 % that people have approved at a margin of 40 %
    When the quote is changed elsewhere, and its margin is 40 % now
    And whoever is asked finds nothing there
    And 1 minute passes
    Then the quote is priced

  Scenario: what this intent has changed itself is no reason to hold it
    Given a discount of 12 % that people have approved at a margin of 40 %
    When billing is changed elsewhere, and the price has brought the margin of the quote to 5 %
    And whoever is asked finds nothing there
    Then the quote is priced
    And billing has the price too
