Feature: what is refused says so by its code, and nothing is stored
  The refusals that no other feature comes across. A discount below the margin floor needs two voices of finance and the
  requester's manager.

  Scenario: there is no such intent
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When ae-1 comments on an intent that there is not
    Then it is refused with CS-E0101

  Scenario: there is no such intent type
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When ae-1 asks for a holiday
    Then it is refused with CS-E0102

  Scenario: only those may ask whom the type names
    Given a type that pool owners may ask for
    When ae-1 asks for what it decides
    Then it is refused with CS-E0143
    When owner-1 asks for an order of 10
    Then the intent becomes done

  Scenario: what was asked for before is no ticket to ask for more
    Given a type that pool owners may ask for
    When owner-1 asks for an order of 3000
    Then the intent becomes seated
    When only boss may ask for it any more
    And owner-1 asks for an order of 4000 instead
    Then it is refused with CS-E0143

  Scenario: no policy is in force yet
    Given a policy that begins next year
    When ae-1 asks for what it decides
    Then it is refused with CS-E0103

  Scenario: another one came first
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When a server says that a message arrived which nobody has sent
    Then it is refused with CS-E0118

  Scenario: questions come to an end
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When finance-1 asks 20 questions, and ae-1 answers each
    Then nothing is refused
    When finance-1 asks "and once more?"
    Then it is refused with CS-E0127

  Scenario: comments come to an end
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When ae-1 says as much as can be said
    Then nothing is refused
    When ae-1 comments "and once more"
    Then it is refused with CS-E0157

  Scenario: what the host itself takes is not amended
    Given a house with the discount as a draft
    When revops-1 tries out a discount of 12 %
    And a director approves the trial
    Then the intent becomes done
    When revops-1 asks that the discount goes live
    Then the intent becomes seated
    When revops-1 amends nothing
    Then it is refused with CS-E0131

  Scenario: a type goes live by a route that is there
    Given a house with the discount as a draft and no route by which a type goes live
    When revops-1 tries out a discount of 12 %
    And revops-1 asks that the discount goes live
    Then it is refused with CS-E0185

  Scenario: trials of one day come to an end
    Given a house with the discount as a draft
    When revops-1 tries out 20 discounts
    And revops-1 tries out a discount of 12 %
    Then it is refused with CS-E0186

  Scenario: a link that no message has does nothing
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When finance-1 opens a link that no message has, and approves
    Then it is refused with CS-E0170

  Scenario: the record takes names, people and groups that can be
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When the identity provider creates zoe
    And the identity provider says that zoe reports to zoe
    Then the record refuses with CS-E0162
    When the identity provider deletes yves
    Then the record refuses with CS-E0163

  Scenario: an absence is for the person, on days that can be, with a cover whom the house lets stand in
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When ae-1 says that finance-1 is away from 2026-12-01 until 2026-12-02 and finance-2 covers
    Then the record refuses with CS-E0164
    When finance-1 says that finance-1 is away from 2026-12-02 until 2026-12-01 and finance-2 covers
    Then the record refuses with CS-E0165
    When finance-1 says that finance-1 is away from 2026-12-01 until 2026-12-02 and ae-1 covers
    Then the record refuses with CS-E0167
    When finance-1 says that they are away from 2026-12-01 until 2026-12-02 and finance-2 covers
    And finance-1 says that finance-1 is away from 2026-12-02 until 2026-12-03 and finance-2 covers
    Then the record refuses with CS-E0166

  Scenario: nobody comes back from where they have not gone, and goes away without end
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When finance-1 comes back
    Then the record refuses with CS-E0169
    When finance-1 is away on 20 days, each with finance-2
    And finance-1 says that finance-1 is away from 2027-06-01 until 2027-06-01 and finance-2 covers
    Then the record refuses with CS-E0168
