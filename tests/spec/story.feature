Feature: routes of two steps, and how their story reads

  Scenario: a discount of two steps, with an absence, a question and a missed seat in the middle
    Given ae-1 asks for a discount of 38 % on 12000 at a margin of 40 %
    When director-1 is away from 2026-11-24 until 2026-11-25 and pricing-1 covers
    And finance-1 approves revision 1
    And finance-2 approves revision 1
    And director-2 asks "what does the customer give for it?"
    And it becomes 2026-11-24T15:00:00Z
    And ae-1 answers "three years, prepaid"
    And director-2 claims revision 1
    And it becomes 2026-11-24T18:00:00Z
    And director-2 approves revision 1
    And it becomes 2026-11-27T18:00:00Z
    And cro approves revision 1
    Then the intent is executing
    And the story of the decision reads
      """
      2026-11-23T15:00:00.000Z `ae-1` asked for a discount
      2026-11-23T15:00:00.000Z needs finance + vp; 3 writes are planned and sealed
      2026-11-23T15:00:00.000Z 3 seats must be filled
      2026-11-23T15:00:00.000Z finance: `finance-lead`, `finance-1`, `finance-2`, `finance-3` may decide until 2026-11-25T15:00:00.000Z
      2026-11-23T15:00:00.000Z vp step 1: `director-1`, `director-2`, `director-3` may decide until 2026-11-24T15:00:00.000Z
      2026-11-23T15:00:01.000Z vp step 1: looked up again, the seat is still open for `director-1`, `director-2`, `director-3`
      2026-11-23T15:00:01.000Z finance: `finance-1` approved
      2026-11-23T15:00:01.000Z finance: `finance-2` approved
      2026-11-23T15:00:01.000Z vp step 1: `director-2` asked: what does the customer give for it? (the seat's time stands still until the answer, at most until 2026-11-24T15:00:01.000Z)
      2026-11-24T15:00:00.000Z vp step 1: `director-1` is away until 2026-11-25; `pricing-1` may decide now; the seat is open for `pricing-1`, `director-2`, `director-3`
      2026-11-24T15:00:00.000Z `ae-1` answered: three years, prepaid (the seat is due at 2026-11-25T14:59:59.000Z)
      2026-11-24T15:00:00.000Z vp step 1: `director-2` will decide, until 2026-11-24T17:00:00.000Z
      2026-11-24T18:00:00.000Z vp step 1: `director-2` did not decide in time; the seat is the pool's again
      2026-11-24T18:00:00.000Z vp step 1: `director-2` approved
      2026-11-24T18:00:00.000Z vp step 2: `vp-sales-1`, `vp-sales-2` may decide until 2026-11-27T18:00:00.000Z
      2026-11-27T18:00:00.000Z vp step 2: nobody decided in time; `cro`, `cro-chief-of-staff` may decide until 2026-12-01T18:00:00.000Z, as the backup
      2026-11-27T18:00:00.000Z vp step 2: `cro` approved
      2026-11-27T18:00:00.000Z approved by finance-1, finance-2, director-2, cro
      """

  Scenario: a step whose voices stand opens the next one
    Given ae-1 asks for a discount of 38 % on 12000 at a margin of 40 %
    When director-2 approves revision 1
    And ae-1 amends note to "they asked twice"
    Then the intent becomes seated
    And vp-sales-1 may decide for vp
    And the story says "`director-2` approved revision 1, and what that rested on is the same"

  Scenario: a decision before its seat is refused aloud, and taken as soon as the seat is there
    Given ae-1 asks for a discount of 38 % on 12000 at a margin of 40 %
    When vp-sales-1 approves revision 1
    Then it is refused with CS-E0111
    When finance-1 approves revision 1
    And finance-2 approves revision 1
    And director-2 approves revision 1
    And vp-sales-1 approves revision 1
    Then the intent is executing

  Scenario: a refund of two steps, with an absence and a missed seat in the middle
    Given agent-1 asks for a refund of 5000 because of a defect
    When finance-lead is away from 2026-11-23 until 2026-11-25 and fpna-lead covers
    And it becomes 2026-11-25T15:00:00Z
    And fpna-1 approves revision 1
    And controller-2 claims revision 1
    And controller-2 approves revision 1
    Then the intent is executing
    And the story of the decision reads
      """
      2026-11-23T15:00:00.000Z `agent-1` asked for a refund
      2026-11-23T15:00:00.000Z needs finance; 2 writes are planned and sealed
      2026-11-23T15:00:00.000Z 2 seats must be filled
      2026-11-23T15:00:00.000Z finance step 1: `finance-lead`, `finance-1`, `finance-2`, `finance-3` may decide until 2026-11-25T15:00:00.000Z
      2026-11-23T15:00:01.000Z finance step 1: `finance-lead` is away until 2026-11-25; `fpna-lead` may decide now; the seat is open for `fpna-lead`, `finance-1`, `finance-2`, `finance-3`
      2026-11-25T15:00:00.000Z finance step 1: nobody decided in time; `fpna-lead`, `fpna-1`, `fpna-2` may decide until 2026-11-30T15:00:00.000Z, as the backup
      2026-11-25T15:00:00.000Z finance step 1: `fpna-1` approved
      2026-11-25T15:00:00.000Z finance step 2: `controller-1`, `controller-2` may decide until 2026-11-30T15:00:00.000Z
      2026-11-25T15:00:00.000Z finance step 2: `controller-2` will decide, until 2026-11-25T19:00:00.000Z
      2026-11-25T15:00:00.000Z finance step 2: `controller-2` approved
      2026-11-25T15:00:00.000Z approved by fpna-1, controller-2
      """

  Scenario: a redline of two steps, with an absence and a missed seat in the middle
    Given ae-1 asks for a fallback of a liability clause in a contract worth 150000
    When counsel-2 claims revision 1
    And general-counsel is away from 2026-11-25 until 2026-12-04 and deputy-general-counsel covers
    And it becomes 2026-11-25T15:00:00Z
    And legal-lead-2 approves revision 1
    And deputy-general-counsel approves revision 1
    Then the intent is executing
    And the story of the decision reads
      """
      2026-11-23T15:00:00.000Z `ae-1` asked for a contract_redline
      2026-11-23T15:00:00.000Z needs counsel; 2 writes are planned and sealed
      2026-11-23T15:00:00.000Z 2 seats must be filled
      2026-11-23T15:00:00.000Z counsel step 1: `counsel-1`, `counsel-2`, `counsel-3` may decide until 2026-11-25T15:00:00.000Z
      2026-11-23T15:00:00.000Z counsel step 1: `counsel-2` will decide, until 2026-11-23T19:00:00.000Z
      2026-11-25T15:00:00.000Z counsel step 1: `counsel-2` did not decide in time; the seat is the pool's again
      2026-11-25T15:00:00.000Z counsel step 1: nobody decided in time; `legal-lead-1`, `legal-lead-2`, `legal-lead-3`, `deputy-general-counsel` may decide until 2026-11-30T15:00:00.000Z, as the backup
      2026-11-25T15:00:00.000Z counsel step 1: `legal-lead-2` approved
      2026-11-25T15:00:00.000Z counsel step 2: `deputy-general-counsel` in the place of `general-counsel` may decide until 2026-12-01T15:00:00.000Z
      2026-11-25T15:00:00.000Z counsel step 2: `deputy-general-counsel` approved
      2026-11-25T15:00:00.000Z approved by legal-lead-2, deputy-general-counsel
      """
