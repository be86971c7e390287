Feature: an intent type leaves draft by the decision of two persons that rests on a trial
  The shipped discount as a draft, owned by the pool `revenue-operations` (revops-lead and revops-1). A mid-market
  discount of 12 % needs a director; one of 4 % the policy approves by itself.

  Background:
    Given a house with the discount as a draft

  Scenario: a draft takes no intents, and trials only of those who own it
    When ae-1 asks for a discount of 12 %
    Then it is refused with CS-E0180
    When ae-1 tries out a discount of 12 %
    Then it is refused with CS-E0182
    When revops-1 tries out a discount of 12 %
    Then the intent becomes seated

  Scenario: two persons let it go live on a trial that people decided
    When revops-1 tries out a discount of 12 %
    And a director approves the trial
    Then the intent becomes done
    And the target was sent 3 writes
    When revops-1 asks that the discount goes live
    Then the intent becomes seated
    And revops-lead may decide
    When revops-1 approves revision 1
    Then it is refused with CS-E0110
    When revops-lead approves revision 1
    Then the intent is done
    And the discount is live, as that trial shows
    When ae-1 asks for a discount of 12 %
    Then the intent becomes seated

  Scenario: a trial that nobody decided shows no review path
    When revops-1 tries out a discount of 4 %
    Then the intent becomes done
    When revops-1 asks that the discount goes live
    Then it is refused with CS-E0183
    And what is lacking is "review path, fallback owner"

  Scenario: a trigger that was not shown needs a reason
    When revops-1 tries out a discount of 12 %
    And a director approves the trial
    Then the intent becomes done
    When revops-1 asks that the discount goes live, waiving nothing
    Then it is refused with CS-E0183
    And what is lacking is "trigger"

  Scenario: whoever does not own it lets nothing go live
    When revops-1 tries out a discount of 12 %
    And a director approves the trial
    Then the intent becomes done
    When ae-1 asks that the discount goes live
    Then it is refused with CS-E0182

  Scenario: a trial that is still open when the type goes live is approved by nobody any more
    When revops-1 tries out a discount of 12 %
    Then the intent becomes seated
    Given the discount went live beside it
    When a director approves the first trial
    Then it is refused with CS-E0181
    And the intent is seated
    When a director declines the first trial
    Then the intent is declined

  Scenario: nobody asks twice at one time, and nobody lets a type go live twice
    When revops-1 tries out a discount of 12 %
    And a director approves the trial
    Then the intent becomes done
    When revops-1 asks that the discount goes live
    Then the intent becomes seated
    When revops-1 asks that the discount goes live once more
    Then it is refused with CS-E0187
    When revops-lead approves revision 1
    Then the discount is live, as that trial shows
    When revops-1 asks that the discount goes live once more
    Then it is refused with CS-E0181

  Scenario: what is live stays so when the host starts again
    Given the discount went live
    When the host is started again
    Then the discount is live, as that trial shows
    When ae-1 asks for a discount of 12 %
    Then the intent becomes seated

  Scenario: another owner, and nothing has shown the type as it is
    Given the discount went live
    When the host is started again with the owner deal-desk
    Then the discount is a draft
    When ae-1 asks for a discount of 12 %
    Then it is refused with CS-E0180
    When revops-1 asks that the discount goes live
    Then it is refused with CS-E0182
    When deal-desk-1 asks that the discount goes live
    Then it is refused with CS-E0183
    And what is lacking is "trigger, review path, audit trail, fallback owner, outcome"

  Scenario: an open intent of a type that is a draft again is not planned anew
    Given the discount went live
    When ae-1 asks for a discount of 12 %
    Then the intent becomes seated
    When the host is started again with the owner deal-desk
    Then the intent is seated
    When ae-1 amends discount_percent to "11%"
    Then the intent becomes unsettled

  Scenario: what went live once holds when the file goes back to it
    Given the discount went live
    When the host is started again with the owner deal-desk
    Then the discount is a draft
    When the host is started again with the owner revenue-operations
    Then the discount is live, as that trial shows

  Scenario: a trial hides nothing from the counters, and takes nothing of them
    Given a house that counts the discounts of a week, as a draft
    When revops-1 tries out a discount of 12 %
    And a director approves the trial
    Then the intent becomes done
    And the trial found 1 discount of the week
    Given the discount went live
    When ae-1 asks for a discount of 12 %
    Then the intent becomes seated
    And the intent found 1 discount of the week
    When ae-1 asks for a discount of 12 %
    Then the intent becomes seated
    And the intent found 2 discounts of the week
