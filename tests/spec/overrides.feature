Feature: an override is a decision of its own, with a reason and evidence, and a habit is looked at
  A discount below the margin floor needs two voices of finance and the requester's manager. The public
  sector gets no more than 25 %: the policy says no. Its intent type lets the role cro override it for
  `competitor-offer`, with evidence of the kind `competitor-quote`; three in thirty days are a habit. It is
  Monday, 23 November 2026, ten in the morning in New York.

  Scenario: over the heads of those who have not decided
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    Then cro can override
    And finance-1 can not override
    When finance-1 approves revision 1
    And cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then nothing is refused
    And the intent is executing
    And it was decided by the override of cro
    And the story says "OVERRIDE: `cro` decides against the policy, approve, for `competitor-offer`: they pay it elsewhere (competitor-quote: `offer.pdf` sha256:"

  Scenario: the target does not take it for a decision by the rules
    Given ae-1 asks for a discount below the margin floor, and the targets take every write
    When cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then the target is told "approved by override" by "cro"
    And the intent becomes done
    And it was decided by the override of cro

  Scenario: a no over the heads of those who have not decided
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When cro overrides revision 1 to decline for competitor-offer with competitor-quote
    Then the intent is declined
    And it was decided by the override of cro
    And nothing wakes the engine

  Scenario: the policy's own no is taken up again, and what would be written is seen before it is decided
    Given ae-1 asks for a discount of 30 % for the public sector
    Then the intent is declined
    When cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then the intent becomes seated
    And the revision is 2
    And nothing was written
    And what would be written is shown
    And cro may decide for override
    And ae-1 can not approve
    And finance-1 can not approve
    And the story says "`cro` means to override the policy for `competitor-offer`: they pay it elsewhere"
    When cro approves revision 2
    Then the intent is executing
    And it was decided by the override of cro

  Scenario: an override that nobody confirms is none
    Given ae-1 asks for a discount of 30 % for the public sector
    When cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then the intent becomes seated
    When it becomes 2026-11-24T15:00:00Z
    Then the intent is declined
    And it was decided by the policy

  Scenario: whoever amends it takes the override away
    Given ae-1 asks for a discount of 30 % for the public sector
    When cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then the intent becomes seated
    When ae-1 amends discount_percent to 31%
    Then the intent becomes declined
    And it was decided by the policy
    When cro approves revision 3
    Then it is refused with CS-E0109

  Scenario: a policy that has changed its mind needs no override
    Given ae-1 asks for a discount of 30 % for the public sector
    When the customer is no public one after all
    And cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then the intent becomes seated
    And director-1 may decide
    When cro approves revision 2
    Then it is refused with CS-E0111

  Scenario Outline: what is no override
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When <person> overrides revision <revision> to approve for <reason> with <evidence>
    Then it is refused with <code>
    And the intent is seated

    Examples:
      | person      | revision | reason           | evidence         | code     |
      | ae-1        | 1        | competitor-offer | competitor-quote | CS-E0110 |
      | finance-1   | 1        | competitor-offer | competitor-quote | CS-E0135 |
      | nobody-here | 1        | competitor-offer | competitor-quote | CS-E0104 |
      | cro         | 2        | competitor-offer | competitor-quote | CS-E0106 |
      | cro         | 1        | because-i-can    | competitor-quote | CS-E0133 |
      | cro         | 1        | competitor-offer | nothing          | CS-E0134 |
      | cro         | 1        | competitor-offer | sponsor-letter   | CS-E0134 |

  Scenario: an override needs words
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When cro overrides revision 1 without a word
    Then it is refused with CS-E0114

  Scenario: an override binds to what was shown
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When cro overrides another seal
    Then it is refused with CS-E0107

  Scenario: an absent role is overridden for by its cover, in their own name
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When cro is away from 2026-11-23 until 2026-11-24 and cro-chief-of-staff covers
    And cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then it is refused with CS-E0135
    When cro-chief-of-staff overrides revision 1 to approve for competitor-offer with competitor-quote
    Then it was decided by the override of cro-chief-of-staff

  Scenario: people's no is theirs
    Given ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %
    When finance-1 declines revision 1 because "too thin"
    And cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then it is refused with CS-E0109

  Scenario: where the policy is hard nobody overrides it
    Given an approved intent with one effect whose guarantee is by-key
    When the connector says transient and the wire saw nothing
    And owner-1 overrides revision 1 to approve for competitor-offer with competitor-quote
    Then it is refused with CS-E0132

  Scenario: the third override in thirty days opens a post-mortem that outlives the intent
    Given cro has overridden 2 discounts for competitor-offer
    And ae-1 asks once more
    When cro overrides revision 1 to decline for competitor-offer with competitor-quote
    Then the intent is declined
    And an exception with cause post-mortem has an owner
    And the story says "`discount` was overridden 3 times in 30 days for `competitor-offer`, the last time by `cro`"
    When the owner of the post-mortem closes it by retry
    Then it is refused with CS-E0117
    When finance-1 closes the post-mortem
    Then it is refused with CS-E0116
    When the owner of the post-mortem closes it by reviewed
    Then nothing is refused
    And nothing wakes the engine

  Scenario: overrides of long ago are no habit
    Given cro has overridden 2 discounts for competitor-offer
    When 31 days pass
    And ae-1 asks once more
    And cro overrides revision 1 to decline for competitor-offer with competitor-quote
    Then the intent is declined
    And no exception is open

  Scenario: nobody reviews the overrides that they gave, whoever gave the last
    Given cro has overridden 2 discounts for competitor-offer
    And ae-1 asks once more
    When cro is away from 2026-11-23 until 2026-11-24 and cro-chief-of-staff covers
    And cro-chief-of-staff overrides revision 1 to decline for competitor-offer with competitor-quote
    Then deal-desk-lead answers for the post-mortem after it was missed
    When cro closes the post-mortem
    Then it is refused with CS-E0137
    When cro-chief-of-staff closes the post-mortem
    Then it is refused with CS-E0137

  Scenario: whoever overrides must still be allowed to when they confirm it
    Given ae-1 asks for a discount of 30 % for the public sector
    When cro is away from 2026-11-23 until 2026-11-23 and cro-chief-of-staff covers
    And cro-chief-of-staff overrides revision 1 to approve for competitor-offer with competitor-quote
    Then the intent becomes seated
    When it becomes 2026-11-24T05:00:00Z
    And cro-chief-of-staff approves revision 2
    Then it is refused with CS-E0135
    And the intent is seated

  Scenario: an override that waits for its confirmation is stopped by a post-mortem too
    Given overrides of discounts for competitor-offer are blocked until the post-mortem
    And ae-1 asks for 30 % for the public sector in the same house
    When cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then the intent becomes seated
    When cro has overridden 3 other discounts for competitor-offer
    And cro approves revision 2
    Then it is refused with CS-E0136

  Scenario: whoever overrides asks for no further voice, and hands it to nobody
    Given ae-1 asks for a discount of 30 % for the public sector
    When cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then the intent becomes seated
    When cro adds the voice of legal-lead-1 after in revision 2
    Then it is refused with CS-E0109
    And cro can not transfer
    And cro can not add-voice

  Scenario: what was declined long ago is no ticket
    Given ae-1 asks for a discount of 30 % for the public sector
    When 31 days pass
    And cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then it is refused with CS-E0108

  Scenario: where it is said so, a post-mortem comes before the next override
    Given overrides of discounts for competitor-offer are blocked until the post-mortem
    And cro has overridden 3 discounts for competitor-offer
    And ae-1 asks once more
    When cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then it is refused with CS-E0136
    When the owner of the open post-mortem closes it
    And cro overrides revision 1 to approve for competitor-offer with competitor-quote
    Then the intent is executing
