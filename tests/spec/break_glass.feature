Feature: in an emergency one person decides alone, loudly, for some hours, and somebody else looks at it
  So that what cannot wait is decided when those who must decide are not to be had, and nobody leaves the way open.

  Background:
    Given a hard type whose glass boss can break for 4 hours

  Scenario: it is loud, it lets one person decide, and it is looked at
    When an order of 3000 is asked for
    Then the intent becomes seated
    And boss can break-glass
    And owner-1 can not break-glass
    And boss can not override
    When boss breaks the glass
    Then ae-1, owner-1, owner-2 are told of it
    And owner-1 answers for the review
    And boss can override
    And owner-1 can not override
    When boss overrides revision 1 to approve for break-glass with ticket-link
    Then the intent becomes done
    And it was decided by the override of boss
    And owner-1 answers for the review

  Scenario: it ends by itself
    When an order of 3000 is asked for
    Then the intent becomes seated
    When boss breaks the glass
    And 14400 seconds pass
    And boss overrides revision 1 to approve for break-glass with ticket-link
    Then it is refused with CS-E0142
    And boss can not override
    And the intent is seated

  Scenario: nobody overrides before it is broken, and nobody but whoever broke it
    When an order of 3000 is asked for
    Then the intent becomes seated
    When boss overrides revision 1 to approve for break-glass with ticket-link
    Then it is refused with CS-E0142
    When boss breaks the glass
    And owner-1 overrides revision 1 to approve for break-glass with ticket-link
    Then it is refused with CS-E0139
    When boss overrides revision 1 to approve for goodwill with ticket-link
    Then it is refused with CS-E0132

  Scenario: nobody breaks it for themselves, without a reason, or who is not named
    When an order of 3000 is asked for
    Then the intent becomes seated
    When owner-1 breaks the glass
    Then it is refused with CS-E0139
    When ae-1 breaks the glass
    Then it is refused with CS-E0110
    When boss breaks the glass without a word
    Then it is refused with CS-E0114
    When boss asks for an order of 3000
    Then the intent becomes seated
    When boss breaks the glass
    Then it is refused with CS-E0110

  Scenario: it is not made longer while it is broken, and not broken for ever
    When an order of 3000 is asked for
    Then the intent becomes seated
    When boss breaks the glass
    And boss breaks the glass
    Then it is refused with CS-E0140
    When 14400 seconds pass
    And boss breaks the glass 4 times, each when it has ended
    Then it is not refused
    When 14400 seconds pass
    And boss breaks the glass
    Then it is refused with CS-E0141

  Scenario: each time has a review, never by whoever did it
    When an order of 3000 is asked for
    Then the intent becomes seated
    When boss breaks the glass
    And boss closes the review
    Then it is refused with CS-E0137
    When owner-1 closes the review
    Then it is refused with CS-E0144
    When 14400 seconds pass
    And owner-1 closes the review
    Then it is not refused
    When boss breaks the glass
    Then owner-1 answers for the review
    When boss overrides revision 1 to decline for break-glass with ticket-link
    Then the intent is declined
    When owner-1 closes the review
    Then it is not refused

  Scenario: a review that nobody makes is never that of whoever broke it
    When an order of 3000 is asked for
    Then the intent becomes seated
    When boss breaks the glass
    And 60000 seconds pass
    Then owner-1 answers for the review

  Scenario: what the policy refuses is taken up again, and confirmed in time
    When an order of 600000 is asked for
    Then the intent becomes declined
    When boss breaks the glass
    And boss overrides revision 1 to approve for break-glass with ticket-link
    Then the intent becomes seated
    When boss approves revision 2
    Then the intent becomes done
    And it was decided by the override of boss

  Scenario: what is not confirmed in time does not pass
    When an order of 600000 is asked for
    Then the intent becomes declined
    When boss breaks the glass
    And boss overrides revision 1 to approve for break-glass with ticket-link
    Then the intent becomes seated
    And override is due at 2026-11-23T19:00:00.000Z
    When 14400 seconds pass
    Then the intent becomes declined

  Scenario: there is nothing to break where it is decided
    When an order of 10 is asked for
    Then the intent becomes done
    When boss breaks the glass
    Then it is refused with CS-E0109

  Scenario: there is nothing to break where nobody can
    Given a hard type without a glass
    When an order of 3000 is asked for
    Then the intent becomes seated
    When boss breaks the glass
    Then it is refused with CS-E0138

  Scenario Outline: a glass that nobody could break, or whose review reaches nobody, is none
    Then a type is refused whose glass is "<row>" and whose reviews reach "<exceptions>": <why>

    Examples:
      | row                | exceptions | why                             |
      | boss for 4h        | glass      | such as `role cro for 4h`       |
      | person boss for 2d | glass      | such as `role cro for 4h`       |
      | pool nobody for 4h | glass      | `nobody`                        |
      | person boss for 4h | rest       | which `exception route` lacks   |
      | person boss for 4h | closed     | does not close when `reviewed`  |
