Feature: an intent is sent back, amended, and asked again only where something changed
  A discount below the margin floor needs two voices of finance and the requester's manager. The intent
  type lets it be sent back three times.

  Background:
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %

  Scenario: what is sent back waits for its requester
    When sales-manager-1 sends it back because "36 months or nothing"
    Then the intent is returned
    And the story says "`sales-manager-1` sent it back: 36 months or nothing"
    When finance-1 approves revision 1
    Then it is refused with CS-E0109
    When ae-1 amends term_months to 36
    Then the intent becomes seated
    And the revision is 2
    When finance-1 approves revision 1
    Then it is refused with CS-E0106

  Scenario: what was sent back to somebody who leaves waits for nobody
    When sales-manager-1 sends it back because "36 months or nothing"
    Then the intent is returned
    When ae-1 leaves the house
    Then the intent becomes declined
    And the story says "it was sent back, and `ae-1`, who answers for it, has left the house"

  Scenario: a question to somebody who leaves holds up nobody, and nothing is sent back to them
    When finance-1 asks "is the competitor's offer in writing?"
    Then finance waits for an answer
    When ae-1 leaves the house
    Then the story tells in the end "no answer came; the seat's time runs on"
    When finance-2 asks "is it?"
    Then it is refused with CS-E0242
    When finance-2 sends it back because "36 months or nothing"
    Then it is refused with CS-E0242

  Scenario: a decision stands whose inputs did not change
    When finance-1 approves revision 1
    And finance-2 approves revision 1
    And ae-1 amends note to "they asked twice"
    Then the intent becomes seated
    And finance has 2 of 2 voices
    And manager has 0 of 1 voices
    And the story says "`finance-1`, `finance-2` approved revision 1, and what that rested on is the same"
    When sales-manager-1 approves revision 2
    Then the intent is executing

  Scenario: what waits for longer than its seal lives is prepared anew, and a decision on the same stands
    When finance-1 approves revision 1
    And finance-2 approves revision 1
    And 30 days pass
    Then the revision is 1
    When 1 days pass
    Then the intent becomes seated
    And the revision is 2
    And the story says "its seal has ended; it is prepared anew as revision 2"
    And finance has 2 of 2 voices
    And manager has 0 of 1 voices
    When sales-manager-1 approves revision 1
    Then it is refused with CS-E0106
    When sales-manager-1 approves revision 2
    Then the intent is executing

  Scenario: a decision falls whose inputs changed, and the others stand
    When finance-1 approves revision 1
    And sales-manager-1 approves revision 1
    And ae-1 amends payment_days to 75
    Then the intent becomes seated
    And finance-1 sees payment_days as "75 days" instead of "30 days"
    And the story says "`ae-1` amended it: revision 2: payment_days 75 days instead of 30 days"
    And finance has 0 of 2 voices
    And manager has 1 of 1 voices

  Scenario: a decision stands where the policy promises that less asks for no more
    When sales-manager-1 approves revision 1
    And finance-1 approves revision 1
    And ae-1 amends discount_percent to 11%
    Then the intent becomes seated
    And manager has 1 of 1 voices
    And finance has 1 of 2 voices
    And the story says "`sales-manager-1` approved revision 1, and this one asks for no more: more discount_percent never needs less, as is proved of the policy"
    And the story says "`finance-1` approved revision 1, and what that rested on is the same"

  Scenario: what was approved once holds for no more than that, by steps as at once
    When sales-manager-1 approves revision 1
    And ae-1 amends discount_percent to 11%
    Then the intent becomes seated
    And manager has 1 of 1 voices
    When ae-1 amends discount_percent to 12%
    Then the intent becomes seated
    And manager has 0 of 1 voices

  Scenario: no decision stands for more than was approved
    When sales-manager-1 approves revision 1
    And ae-1 amends discount_percent to 13%
    Then the intent becomes seated
    And manager has 0 of 1 voices

  Scenario: no decision stands where something without a promise moved too
    When sales-manager-1 approves revision 1
    And ae-1 amends discount_percent to 11% and amount to 11000
    Then the intent becomes seated
    And manager has 0 of 1 voices

  Scenario: a promise holds for what was found, too
    When finance-1 approves revision 1
    And the margin of the quote becomes 14.5
    And ae-1 amends note to "they asked twice"
    Then the intent becomes seated
    And finance has 1 of 2 voices
    And the story says "`finance-1` approved revision 1, and this one asks for no more: less margin never needs less, as is proved of the policy"

  Scenario: no decision stands for what would be written and no rule looks at
    When finance-1 approves revision 1
    And sales-manager-1 approves revision 1
    And another account is billed for the customer
    And ae-1 amends note to "they asked twice"
    Then the intent becomes seated
    And finance has 0 of 2 voices
    And manager has 0 of 1 voices

  Scenario: what the policy has weighed and found good asks nobody again
    When finance-1 approves revision 1
    And ae-1 amends term_months to 36
    Then the intent becomes seated
    And finance has 1 of 2 voices

  Scenario: no decision stands for another record
    When finance-1 approves revision 1
    And ae-1 amends quote_id to Q-2
    Then the intent becomes seated
    And finance has 0 of 2 voices

  Scenario Outline: no decision stands for another amount, whether its rule reads it or not
    When finance-1 approves revision 1
    And the margin of the quote becomes <margin>
    And ae-1 amends amount to <amount>
    Then the intent becomes seated
    And finance has 0 of 2 voices

    Examples:
      | margin | amount |
      | 14     | 13000  |
      | 14     | 11000  |
      | 14.5   | 13000  |
      | 14.5   | 11000  |

  Scenario: a fact that changed meanwhile counts as a change
    When finance-1 approves revision 1
    And the margin of the quote becomes 13
    And ae-1 amends note to "they asked twice"
    Then the intent becomes seated
    And finance has 0 of 2 voices

  Scenario: a voice that would be carried needs its person in the seat
    When finance-1 approves revision 1
    And finance-1 is away from 2026-11-23 until 2026-11-24 and pricing-1 covers
    And ae-1 amends note to "they asked twice"
    Then the intent becomes seated
    And finance has 0 of 2 voices

  Scenario Outline: who may not send it back
    When <person> sends it back because "<words>"
    Then it is refused with <code>

    Examples:
      | person      | words | code     |
      | ae-1        | no    | CS-E0110 |
      | ae-2        | no    | CS-E0111 |
      | nobody-here | no    | CS-E0104 |
      | finance-1   |       | CS-E0114 |

  Scenario: only the requester amends, something, and what fits the intent type
    When finance-1 amends note to "mine"
    Then it is refused with CS-E0113
    When ae-1 amends discount_percent to 80%
    Then it is refused with CS-E0105
    When ae-1 amends nothing
    Then it is refused with CS-E0130

  Scenario: what is sent back may be submitted again as it was
    When sales-manager-1 sends it back because "are you sure?"
    And ae-1 amends nothing
    Then the intent becomes seated
    And the revision is 2

  Scenario: the round after the last allowed one is somebody else's
    When it went back and forth 3 times
    And sales-manager-1 sends it back because "still too much"
    Then nothing is refused
    And the intent is seated
    And an exception with cause rounds has an owner
    When sales-manager-1 sends it back because "and once more"
    Then it is refused with CS-E0129
    When ae-1 amends note to "once more, in writing"
    Then the intent becomes seated
    And no exception is open

  Scenario: what is sent back and forgotten is declined, not left to nobody
    When sales-manager-1 sends it back because "36 months or nothing"
    And it becomes 2026-12-23T14:59:59Z
    Then the intent is returned
    When it becomes 2026-12-23T15:00:01Z
    Then the intent is declined
    And nothing wakes the engine

  Scenario: what is decided cannot be amended or sent back
    When sales-manager-1 declines revision 1 because "no"
    And ae-1 amends note to "please"
    Then it is refused with CS-E0109
    When finance-1 sends it back because "no"
    Then it is refused with CS-E0109

  Scenario: an amendment ends what was open about the revision before
    When finance-1 asks "why now?"
    And finance-2 claims revision 1
    And ae-1 amends note to "the fair is in May"
    Then the intent becomes seated
    And finance answers through finance-lead
    When ae-1 answers "see the note"
    Then it is refused with CS-E0106
