Feature: a seat follows the people who can fill it
  A discount below the margin floor needs two voices of finance and the requester's manager.
  It is Monday, 23 November 2026, ten in the morning in New York; Thursday is a holiday there.

  Background:
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %

  Scenario: an absence that begins moves an open seat, and its end moves it back
    When finance-1 is away from 2026-11-24 until 2026-11-24 and pricing-1 covers
    Then finance-1 may decide for finance
    When it becomes 2026-11-24T05:00:00Z
    Then finance-1 may not decide for finance
    And pricing-1 may decide for finance
    And the story says "`finance-1` is away until 2026-11-24; `pricing-1` may decide now"
    When finance-1 approves revision 1
    Then it is refused with CS-E0111
    When it becomes 2026-11-25T05:00:00Z
    Then finance-1 may decide for finance
    And pricing-1 may not decide for finance
    When pricing-1 approves revision 1
    Then it is refused with CS-E0111

  Scenario: a cover decides in its own name, and the time of the seat goes on
    When finance-1 is away from 2026-11-24 until 2026-11-24 and pricing-1 covers
    And it becomes 2026-11-24T15:00:00Z
    Then pricing-1 may decide for finance
    And finance is due at 2026-11-25T15:00:00Z
    When pricing-1 approves revision 1
    Then the story says "`pricing-1` approved"

  Scenario: a cover never passes a seat on
    When finance-1 is away from 2026-11-23 until 2026-11-24 and deal-desk-1 covers
    And deal-desk-1 is away from 2026-11-23 until 2026-11-24 and deal-desk-2 covers
    Then finance-1 may not decide for finance
    And deal-desk-1 may not decide for finance
    And deal-desk-2 may not decide for finance

  Scenario: a seat never reaches the requester through an absence
    When sales-manager-1 is away from 2026-11-23 until 2026-11-24 and ae-1 covers
    Then sales-manager-1 may not decide for manager
    And ae-1 may not decide for manager
    And director-1 may decide for manager
    When ae-1 approves revision 1
    Then it is refused with CS-E0110

  Scenario: whoever leaves the house loses the seat
    When finance-3 leaves the house
    Then finance-3 may not decide for finance
    And the story says "`finance-3` is not in the directory any more"
    When finance-3 approves revision 1
    Then it is refused with CS-E0104

  Scenario: a quorum that shrinks is never a pass
    When finance-1 approves revision 1
    And finance-lead is away from 2026-11-23 until 2026-11-27 and finance-1 covers
    And finance-2 is away from 2026-11-23 until 2026-11-27 and finance-1 covers
    And finance-3 is away from 2026-11-23 until 2026-11-27 and finance-1 covers
    Then fpna-1 may decide for finance
    And finance has 1 of 2 voices
    And the intent is seated
    When fpna-1 approves revision 1
    Then finance has 2 of 2 voices

  Scenario: a seat that nobody can fill is an exception with an owner, until somebody can
    When everybody of finance and fpna is away on 2026-11-23
    Then an exception with cause no-seat has an owner
    And the intent is seated
    And finance is open for nobody
    When it becomes 2026-11-24T05:00:00Z
    Then finance-1 may decide for finance
    And no exception is open

  Scenario: one person's two roles are one voice
    When finance-1 is away from 2026-11-23 until 2026-11-24 and sales-manager-1 covers
    Then sales-manager-1 may decide for finance
    When sales-manager-1 approves revision 1
    Then the intent is seated
    When sales-manager-1 approves revision 1
    Then it is refused with CS-E0112

  Scenario: a claim keeps the others from the last voice, and is given back
    When finance-1 approves revision 1
    And finance-2 claims revision 1
    Then finance answers through finance-2
    When finance-3 claims revision 1
    Then it is refused with CS-E0123
    When finance-3 approves revision 1
    Then it is refused with CS-E0123
    When finance-3 releases revision 1
    Then it is refused with CS-E0125
    When finance-2 releases revision 1
    Then finance answers through finance-lead
    When finance-3 approves revision 1
    Then finance has 2 of 2 voices

  Scenario: as many can claim as voices are missing
    When finance-1 claims revision 1
    And finance-2 claims revision 1
    Then nothing is refused
    When finance-3 claims revision 1
    Then it is refused with CS-E0123
    When finance-1 claims revision 1
    Then it is refused with CS-E0123

  Scenario: an untouched claim goes back to the pool
    When finance-1 claims revision 1
    And finance-2 claims revision 1
    And it becomes 2026-11-23T19:00:00Z
    Then finance answers through finance-lead
    And the story says "`finance-1` did not decide in time; the seat is the pool's again"
    When finance-3 claims revision 1
    Then nothing is refused

  Scenario Outline: who may not claim
    When <person> claims revision <revision>
    Then it is refused with <code>

    Examples:
      | person          | revision | code     |
      | ae-1            | 1        | CS-E0110 |
      | ae-2            | 1        | CS-E0111 |
      | nobody-here     | 1        | CS-E0104 |
      | finance-1       | 2        | CS-E0106 |
      | sales-manager-1 | 1        | CS-E0124 |

  Scenario: a claim ends with its person's absence
    When finance-1 is away from 2026-11-24 until 2026-11-24 and deal-desk-1 covers
    And it becomes 2026-11-24T04:30:00Z
    And finance-1 claims revision 1
    Then finance answers through finance-1
    When it becomes 2026-11-24T05:00:00Z
    Then finance answers through finance-lead

  Scenario: the time of a seat stands still while the requester is asked
    Then finance is due at 2026-11-25T15:00:00Z
    When finance-1 asks "is the competitor's offer in writing?"
    Then finance waits for an answer
    And the story says "`finance-1` asked: is the competitor's offer in writing?"
    When it becomes 2026-11-24T15:00:00Z
    And ae-1 answers "yes, from the 12th"
    Then finance is due at 2026-11-27T15:00:00Z
    And the story says "answered: yes, from the 12th"

  Scenario Outline: a calendar that is changed moves no seat that is open: it is missed when its people were told
    Then finance is due at 2026-11-25T15:00:00Z
    When the calendar us-east becomes <zone>, <days>, <hours>
    Then finance is due at 2026-11-25T15:00:00Z
    When it becomes 2026-11-25T14:59:59Z
    Then finance-1 may decide for finance
    When it becomes 2026-11-25T15:00:01Z
    Then finance-1 may not decide for finance
    And fpna-1 may decide for finance

    Examples:
      | zone                | days    | hours       |
      | Asia/Tokyo          | mon-fri | 09:00-17:00 |
      | America/Los_Angeles | mon-fri | 09:00-17:00 |
      | America/New_York    | sat-sun | 10:00-11:00 |

  Scenario: a requester who does not answer holds nothing up
    When finance-1 asks "why now?"
    And it becomes 2026-11-25T15:00:00Z
    Then the story says "no answer came; the seat's time runs on, until 2026-11-30T15:00:00.000Z"
    And finance is due at 2026-11-30T15:00:00Z
    When ae-1 answers "too late"
    Then it is refused with CS-E0128

  Scenario: a decision needs no answer
    When sales-manager-1 asks "why now?"
    And sales-manager-1 approves revision 1
    And ae-1 answers "too late"
    Then it is refused with CS-E0128
    And the intent is seated

  Scenario: one question at a time, and only by those who may decide
    When finance-1 asks "why now?"
    And finance-2 asks "and why so much?"
    Then it is refused with CS-E0126
    When ae-2 asks "may I see it?"
    Then it is refused with CS-E0111
    When ae-1 asks "well?"
    Then it is refused with CS-E0110
    When sales-manager-1 asks " "
    Then it is refused with CS-E0114

  Scenario: only the requester answers, once, and says to what
    When ae-1 answers "to what?"
    Then it is refused with CS-E0128
    When finance-1 asks "why now?"
    And sales-manager-1 asks "who knows of it?"
    And ae-2 answers "I do"
    Then it is refused with CS-E0113
    When ae-1 answers "which one?"
    Then it is refused with CS-E0128
    When ae-1 answers question 2 with "the whole team"
    Then nothing is refused
    When ae-1 answers question 2 with "and more"
    Then it is refused with CS-E0128

  Scenario: what is over asks for nobody any more
    When finance-1 asks "why now?"
    And finance-2 claims revision 1
    And ae-1 withdraws revision 1
    Then the intent is withdrawn
    And nothing wakes the engine
    When ae-1 answers "never mind"
    Then it is refused with CS-E0109
    When finance-2 releases revision 1
    Then it is refused with CS-E0109
    When finance-3 claims revision 1
    Then it is refused with CS-E0109
    When finance-3 asks "what happened?"
    Then it is refused with CS-E0109
