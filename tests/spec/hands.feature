Feature: a seat in other hands, one more voice, comments and reminders
  A discount below the margin floor needs two voices of finance (its backup is fpna) and the requester's
  manager (backup: the deal desk), each within a business day. It is Monday, 23 November 2026, ten in the
  morning in New York; Thursday is a holiday there.

  Background:
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %

  Scenario: a seat is delegated for a time, and its own time goes on
    When finance-1 delegates to fpna-1 until 2026-11-24T20:00:00Z because "audit week"
    Then fpna-1 may decide for finance
    And finance-1 may not decide for finance
    And finance is due at 2026-11-25T15:00:00Z
    And the story says "finance: `finance-1` delegates the seat to `fpna-1` until 2026-11-24T20:00:00.000Z: audit week"
    And the story says "`finance-1` has put it into other hands; `fpna-1` may decide now"
    When finance-1 approves revision 1
    Then it is refused with CS-E0111
    When it becomes 2026-11-24T20:00:00Z
    Then finance-1 may decide for finance
    And fpna-1 may not decide for finance

  Scenario: what a deputy has decided counts in the place of whoever sent them, for good
    When finance-1 delegates to fpna-1 until 2026-11-24T15:00:00Z because "audit week"
    And fpna-1 approves revision 1
    And it becomes 2026-11-24T15:00:00Z
    Then finance-1 may not decide for finance
    And finance has 1 of 2 voices
    When finance-1 approves revision 1
    Then it is refused with CS-E0111
    When finance-1 recalls
    Then it is refused with CS-E0153
    When finance-2 approves revision 1
    Then finance has 2 of 2 voices

  Scenario: what a cover has decided counts in the place of whoever was away, for good
    When finance-1 is away from 2026-11-23 until 2026-11-23 and pricing-1 covers
    And pricing-1 approves revision 1
    And it becomes 2026-11-24T05:00:00Z
    Then finance-1 may not decide for finance
    And finance has 1 of 2 voices

  Scenario: a place that a deputy used stays used when the voice is carried over
    When finance-1 delegates to fpna-1 until 2026-11-24T15:00:00Z because "audit week"
    And fpna-1 approves revision 1
    And ae-1 amends note to "they asked twice"
    Then the intent becomes seated
    And finance has 1 of 2 voices
    When it becomes 2026-11-24T15:00:00Z
    Then finance-1 may not decide for finance
    When finance-1 approves revision 2
    Then it is refused with CS-E0111

  Scenario: nobody covers for whoever has decided
    When finance-1 approves revision 1
    And finance-1 is away from 2026-11-24 until 2026-11-24 and pricing-1 covers
    And it becomes 2026-11-24T05:00:00Z
    Then pricing-1 may not decide for finance
    And finance has 1 of 2 voices

  Scenario: nobody covers for whoever had somebody decide in their place
    When finance-1 delegates to fpna-1 until 2026-11-24T15:00:00Z because "audit week"
    And fpna-1 approves revision 1
    And finance-1 is away from 2026-11-24 until 2026-11-24 and pricing-1 covers
    And it becomes 2026-11-24T15:00:00Z
    Then pricing-1 may not decide for finance
    And finance has 1 of 2 voices

  Scenario: nobody stands by for a place that a cover used
    When director-2 stands by for finance-1
    And finance-1 is away from 2026-11-23 until 2026-11-23 and pricing-1 covers
    And pricing-1 approves revision 1
    And everybody of finance and fpna is away on 2026-11-24
    And it becomes 2026-11-24T05:00:00Z
    Then finance is open for nobody
    And director-2 may not decide for finance
    And finance has 1 of 2 voices

  Scenario: a seat is never passed on, but it can be given back
    When finance-1 delegates to fpna-1 until 2026-11-24T15:00:00Z because "audit week"
    And fpna-1 delegates to fpna-2 until 2026-11-24T15:00:00Z because "me too"
    Then it is refused with CS-E0150
    When fpna-1 transfers to fpna-2 because "me too"
    Then it is refused with CS-E0150
    When fpna-1 releases revision 1
    Then nothing is refused
    And finance-1 may decide for finance
    And the story says "the seat that `fpna-1` had from `finance-1` is `finance-1`'s again"

  Scenario: a cover does not pass a seat on either
    When finance-1 is away from 2026-11-23 until 2026-11-24 and pricing-1 covers
    And pricing-1 transfers to fpna-1 because "no time"
    Then it is refused with CS-E0150

  Scenario Outline: to whom a seat does not go
    When finance-3 leaves the house
    And fpna-2 is away from 2026-11-23 until 2026-11-24 and fpna-1 covers
    And finance-1 transfers to <person> because "<words>"
    Then it is refused with <code>
    And finance-1 may decide for finance

    Examples: the requester, whoever has a seat, who is no deputy, who is away, who left, and without a reason
      | person          | words | code     |
      | ae-1            | why   | CS-E0151 |
      | finance-2       | why   | CS-E0151 |
      | sales-manager-1 | why   | CS-E0151 |
      | ae-2            | why   | CS-E0151 |
      | fpna-2          | why   | CS-E0151 |
      | finance-3       | why   | CS-E0151 |
      | fpna-1          |       | CS-E0114 |

  Scenario Outline: only who has a seat gives one away
    When <person> transfers to fpna-1 because "why"
    Then it is refused with <code>

    Examples:
      | person      | code     |
      | ae-1        | CS-E0110 |
      | ae-2        | CS-E0111 |
      | nobody-here | CS-E0104 |

  Scenario Outline: a delegation ends after now and within ninety days
    When finance-1 delegates to fpna-1 until <moment> because "audit week"
    Then it is refused with CS-E0152

    Examples:
      | moment               |
      | 2026-11-23T15:00:00Z |
      | 2027-02-22T15:00:00Z |

  Scenario: a seat is handed over for good, and taken back
    When sales-manager-1 transfers to director-1 because "she knows the customer"
    Then director-1 may decide for manager
    And sales-manager-1 may not decide for manager
    When it becomes 2026-11-23T20:00:00Z
    Then director-1 may decide for manager
    When sales-manager-1 recalls
    Then sales-manager-1 may decide for manager
    And director-1 may not decide for manager
    When sales-manager-1 recalls
    Then it is refused with CS-E0153

  Scenario: a deputy who is away or leaves leaves the seat to whoever sent them
    When sales-manager-1 transfers to director-1 because "she knows the customer"
    And director-1 is away from 2026-11-24 until 2026-11-24 and pricing-1 covers
    And it becomes 2026-11-24T05:00:00Z
    Then sales-manager-1 may decide for manager
    And pricing-1 may not decide for manager

  Scenario: an amendment leaves a seat in the hands that it was in
    When sales-manager-1 transfers to director-1 because "she knows the customer"
    And ae-1 amends note to "they asked twice"
    Then the intent becomes seated
    And director-1 may decide for manager
    And sales-manager-1 may not decide for manager

  Scenario: the deputies that are shown are those that are taken
    Then sales-manager-1 can hand the seat to "deal-desk-1, deal-desk-2, deal-desk-lead, director-1, director-2"
    And sales-manager-1 can delegate
    And ae-1 can not delegate
    And ae-1 can hand the seat to ""

  Scenario: one more voice after a seat
    When sales-manager-1 adds the voice of legal-lead-1 after because "the customer is in court"
    Then nothing is refused
    And the story says "manager: `sales-manager-1` wants person legal-lead-1 to decide too, after this seat: the customer is in court"
    When sales-manager-1 approves revision 1
    And finance-1 approves revision 1
    And finance-2 approves revision 1
    Then the intent is seated
    And legal-lead-1 may decide for manager
    And legal-lead-1 sees the progress "2 of 3, manager (person legal-lead-1) pending until 2026-11-24T15:00:00.000Z"
    When legal-lead-1 approves revision 1
    Then the intent is executing

  Scenario: one more voice before a seat, whose own time begins after it
    When sales-manager-1 adds the voice of legal-lead-1 before because "the customer is in court"
    Then legal-lead-1 may decide for manager
    When sales-manager-1 approves revision 1
    Then it is refused with CS-E0111
    When it becomes 2026-11-23T18:00:00Z
    And legal-lead-1 approves revision 1
    Then sales-manager-1 may decide for manager
    And manager is due at 2026-11-24T18:00:00Z

  Scenario: an added voice can say no
    When sales-manager-1 adds the voice of legal-lead-1 before because "the customer is in court"
    And legal-lead-1 declines revision 1 because "they do not pay"
    Then the intent is declined

  Scenario: an added voice is taken back
    When sales-manager-1 adds the voice of legal-lead-1 before because "the customer is in court"
    And sales-manager-1 recalls
    Then sales-manager-1 may decide for manager
    And the story says "the voice that was added is not needed any more"
    When legal-lead-1 approves revision 1
    Then it is refused with CS-E0111
    When sales-manager-1 approves revision 1
    And finance-1 approves revision 1
    And finance-2 approves revision 1
    Then the intent is executing

  Scenario: a voice is not taken back once whoever wanted it has decided
    When sales-manager-1 adds the voice of legal-lead-1 after because "the customer is in court"
    And finance-1 approves revision 1
    And finance-2 approves revision 1
    And sales-manager-1 approves revision 1
    And sales-manager-1 recalls
    Then it is refused with CS-E0153
    And the intent is seated

  Scenario: nor while their own seat still lacks other voices
    When finance-1 adds the voice of legal-lead-1 after because "the customer is in court"
    And finance-1 approves revision 1
    And finance-1 recalls
    Then it is refused with CS-E0153

  Scenario: who gets a seat of their own by an amendment has one voice
    When sales-manager-1 adds the voice of director-1 after because "she knows them"
    And ae-1 amends term_months to 11
    Then the intent becomes seated
    When director-1 approves revision 2
    And finance-1 approves revision 2
    And finance-2 approves revision 2
    Then the intent is executing

  Scenario: a voice that another hangs on is not taken back
    When sales-manager-1 adds the voice of legal-lead-1 before because "the customer is in court"
    And legal-lead-1 adds the voice of general-counsel after because "it is a large one"
    And sales-manager-1 recalls
    Then it is refused with CS-E0153
    When legal-lead-1 recalls
    And sales-manager-1 recalls
    Then nothing is refused
    And sales-manager-1 may decide for manager

  Scenario: an amendment that needs other people takes no added voice away either
    When sales-manager-1 adds the voice of legal-lead-1 after because "the customer is in court"
    And ae-1 amends term_months to 11
    Then the intent becomes seated
    When director-1 approves revision 2
    And finance-1 approves revision 2
    And finance-2 approves revision 2
    Then the intent is seated
    And legal-lead-1 may decide for manager
    When legal-lead-1 approves revision 2
    Then the intent is executing

  Scenario: a place is used once in all seats of an intent
    When sales-manager-1 transfers to deal-desk-1 because "no time"
    And deal-desk-1 approves revision 1
    And finance-1 adds the voice of sales-manager-1 after because "he knows them"
    Then it is refused with CS-E0154

  Scenario: a delegation that is over does not come back with its deputy's voice
    When it becomes 2026-11-23T15:30:00Z
    And finance-1 delegates to fpna-1 until 2026-11-23T16:00:00Z because "a meeting"
    And it becomes 2026-11-23T16:00:00Z
    Then finance-1 may decide for finance
    When finance-2 transfers to fpna-1 because "audit week"
    And fpna-1 approves revision 1
    Then finance-1 may decide for finance
    And finance-2 may not decide for finance
    When it becomes 2026-11-23T17:00:00Z
    And finance-1 approves revision 1
    Then finance has 2 of 2 voices

  Scenario: a clock that is set back gives a deputy no second voice
    When finance-1 delegates to fpna-1 until 2026-11-23T16:00:00Z because "a meeting"
    And it becomes 2026-11-23T16:00:00Z
    And finance-1 approves revision 1
    And it becomes 2026-11-23T15:30:00Z
    And fpna-1 approves revision 1
    Then it is refused with CS-E0111
    And finance has 1 of 2 voices

  Scenario: a deputy comes before a cover
    When finance-1 delegates to fpna-1 until 2026-11-26T15:00:00Z because "on leave"
    And finance-1 is away from 2026-11-23 until 2026-11-24 and pricing-1 covers
    Then fpna-1 may decide for finance
    And pricing-1 may not decide for finance

  Scenario: an amendment takes no added voice away
    When sales-manager-1 adds the voice of legal-lead-1 after because "the customer is in court"
    And sales-manager-1 approves revision 1
    And finance-1 approves revision 1
    And finance-2 approves revision 1
    And ae-1 amends note to "they asked twice"
    Then the intent becomes seated
    And legal-lead-1 may decide for manager
    And finance has 2 of 2 voices

  Scenario: an added voice that is silent goes to the backup of its seat, and never passes
    When sales-manager-1 adds the voice of legal-lead-1 before because "the customer is in court"
    And it becomes 2026-11-24T15:00:00Z
    Then deal-desk-1 may decide for manager
    And the intent is seated

  Scenario Outline: whose voice is not added
    When finance-2 is away from 2026-11-23 until 2026-11-24 and pricing-1 covers
    And finance-1 approves revision 1
    And <person> adds the voice of <whom> <order> because "<words>"
    Then it is refused with <code>

    Examples:
      | person          | whom         | order  | words | code     |
      | sales-manager-1 | ae-1         | after  | why   | CS-E0154 |
      | sales-manager-1 | finance-lead | after  | why   | CS-E0154 |
      | sales-manager-1 | finance-1    | after  | why   | CS-E0154 |
      | sales-manager-1 | nobody-here  | after  | why   | CS-E0154 |
      | sales-manager-1 | legal-lead-1 | after  |       | CS-E0114 |
      | finance-lead    | legal-lead-1 | before | why   | CS-E0156 |
      | ae-1            | legal-lead-1 | after  | why   | CS-E0110 |
      | ae-2            | legal-lead-1 | after  | why   | CS-E0111 |

  Scenario: a decision is not put off for ever
    When sales-manager-1 adds and recalls a voice 5 times
    And sales-manager-1 adds the voice of legal-lead-1 before because "once more"
    Then it is refused with CS-E0155

  Scenario: a comment stands in the story and moves nothing
    When ae-2 comments "same customer as last week"
    Then nothing is refused
    And the story says "`ae-2` comments: same customer as last week"
    And finance has 0 of 2 voices
    When ae-2 comments " "
    Then it is refused with CS-E0114
    When nobody-here comments "hello"
    Then it is refused with CS-E0104
    When ae-1 withdraws revision 1
    And ae-2 comments "too late"
    Then it is refused with CS-E0109

  Scenario: the requester has people reminded, not too often
    When finance-1 reminds
    Then it is refused with CS-E0113
    When ae-1 reminds
    Then nothing is refused
    And the story says "`ae-1` has everybody reminded who has not decided"
    When ae-1 reminds
    Then it is refused with CS-E0158
    When it becomes 2026-11-23T19:00:00Z
    And ae-1 reminds
    Then nothing is refused

  Scenario: whoever is asked has nobody to remind
    When finance-1 asks "who else knows?"
    And sales-manager-1 approves revision 1
    And ae-1 reminds
    Then it is refused with CS-E0159

  Scenario: a seat reminds its people once, when three quarters of its time are over
    When it becomes 2026-11-23T20:59:59Z
    Then nobody was reminded
    When it becomes 2026-11-23T21:00:00Z
    Then people were reminded 1 time
    And the story says "manager: those who have not decided are reminded"
    When it becomes 2026-11-24T14:59:59Z
    Then people were reminded 1 time

  Scenario: an answer puts the reminder off with the seat
    When sales-manager-1 asks "why now?"
    And it becomes 2026-11-23T22:00:00Z
    Then nobody was reminded
    When ae-1 answers "their year ends"
    And it becomes 2026-11-24T19:59:59Z
    Then people were reminded 1 time
    And the story says "finance: those who have not decided are reminded"
    When it becomes 2026-11-24T20:00:00Z
    Then people were reminded 2 times
    And the story says "manager: those who have not decided are reminded"

  Scenario: what is decided reminds nobody
    When sales-manager-1 approves revision 1
    And it becomes 2026-11-23T22:00:00Z
    Then nobody was reminded

  Scenario: an administrator moves the seat of somebody who cannot, and it stays where it is
    When revops-lead reassigns the seat of finance-1 to fpna-1 because "in hospital"
    Then fpna-1 may decide for finance
    And finance-1 may not decide for finance
    And finance is due at 2026-11-25T15:00:00Z
    And the story says "finance: `revops-lead`, an administrator, puts the seat of `finance-1` into the hands of `fpna-1`: in hospital"
    When finance-1 recalls
    Then it is refused with CS-E0153
    When finance-1 approves revision 1
    Then it is refused with CS-E0111
    When fpna-1 approves revision 1
    Then finance has 1 of 2 voices

  Scenario: an administrator moves a seat on that somebody had handed over
    When finance-1 delegates to fpna-1 until 2026-11-24T15:00:00Z because "audit week"
    And revops-lead reassigns the seat of fpna-1 to fpna-2 because "left for the day"
    Then fpna-2 may decide for finance
    And fpna-1 may not decide for finance
    When it becomes 2026-11-24T15:00:00Z
    Then fpna-2 may decide for finance
    And finance-1 may not decide for finance

  Scenario: nobody but an administrator moves the seat of others, and no administrator to whom they like
    When finance-2 reassigns the seat of finance-1 to fpna-1 because "I would rather have her"
    Then it is refused with CS-E0190
    When revops-lead reassigns the seat of finance-1 to revops-1 because "he is quick"
    Then it is refused with CS-E0151
    When revops-lead reassigns the seat of finance-1 to revops-lead because "I am quick"
    Then it is refused with CS-E0151
    When finance-1 approves revision 1
    And revops-lead reassigns the seat of finance-1 to fpna-1 because "she would say no"
    Then it is refused with CS-E0111
    And finance has 1 of 2 voices

  Scenario: what an administrator took from somebody does not come back to them
    When revops-lead reassigns the seat of finance-1 to fpna-1 because "a conflict of interest"
    And fpna-1 releases revision 1
    Then it is refused with CS-E0125
    When fpna-1 is away from 2026-11-23 until 2026-11-24 and pricing-1 covers
    Then fpna-1 may not decide for finance
    And finance-1 may not decide for finance
    And finance-2 may decide for finance

  Scenario: an administrator takes no seat that they could stand in for
    When it becomes 2026-11-25T15:00:00Z
    Then deal-desk-lead may decide for manager
    When revops-lead reassigns the seat of deal-desk-lead to revops-lead because "I will do it myself"
    Then it is refused with CS-E0151
    When deal-desk-lead transfers to revops-lead because "she may, if I ask her"
    Then revops-lead may decide for manager
