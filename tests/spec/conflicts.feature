Feature: Conflicts
  A record that somebody else changed between the decision and the write is looked at once more. If the same would be
  written, and the same decided for the same reasons, it is written on the record as it is now. Otherwise somebody is
  asked who sees what is otherwise.

  Scenario Outline: a change that is none of our business holds nothing up
    Given an approved intent with one effect whose guarantee is <guarantee>
    When the record is changed elsewhere, and the same would be written
    And 1 minute passes
    Then the effect is landed
    And it was written on the record as it is now
    And nobody is asked about it

    Examples:
      | guarantee      |
      | by-key         |
      | by-natural-key |
      | by-probe       |
      | blind          |

  Scenario: what would be written otherwise is not written, and somebody sees what is otherwise
    Given an approved intent with one effect whose guarantee is by-key
    When the record is changed elsewhere, and something else would be written
    And 1 minute passes
    Then an exception with cause conflict has an owner
    And somebody reads that `amount` was nothing when it was approved and is 7.00 USD now
    And the target was sent 1 write
    When the record is as it was, and the owner closes the exception of cause conflict by retry
    And whoever is asked finds nothing there
    And 1 minute passes
    Then the effect is landed

  Scenario: a record that never comes to rest is somebody's
    Given an approved intent with one effect whose guarantee is by-probe
    When the record is changed elsewhere again and again
    And 1 minute passes
    Then an exception with cause conflict has an owner
    And the target was sent 6 writes
    When it comes to rest, and the owner closes the exception of cause conflict by retry
    And whoever is asked finds nothing there
    And 1 minute passes
    Then the effect is landed
    And the target was sent 7 writes
    And the last one was written on the record as it came to rest

  Scenario Outline: what it was decided on is looked at once more
    Given a discount of 12 % that people have approved at a margin of <was> %
    When the quote is changed elsewhere, and its margin is <now> % now
    And 1 minute passes
    Then the quote is <end>

    Examples: the same would be decided, or nobody who decided would be asked again
      | was | now | end    |
      | 40  | 40  | priced |
      | 40  | 35  | priced |
      | 10  | 12  | priced |

    Examples: somebody else would have to be asked, or somebody who decided on less
      | was | now | end     |
      | 40  | 5   | held up |
      | 12  | 10  | held up |

  Scenario: an intent does not count itself among what was approved
    Given more than 10000 that was approved for one customer within 7 days needs finance
    And a discount of 12 % that people have approved at a margin of 40 %
    When the quote is changed elsewhere, and its margin is 40 % now
    And 1 minute passes
    Then the quote is priced

  Scenario: what this intent has changed itself is no reason to hold it
    Given a discount of 12 % that people have approved at a margin of 40 %
    When billing is changed elsewhere, and the price has brought the margin of the quote to 5 %
    Then the quote is priced
    And billing has the price too
