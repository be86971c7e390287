Feature: what a target holds instead is asked for
  What is there is not approved because it is there. Whoever answers for the exception about it can ask for it, as an
  intent of its own, which is decided as any other.

  Scenario: what is there is asked for, and nothing is amiss when that has landed
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target holds something else
    And it is looked at
    And the owner adopts what is there
    Then an intent asks for what is there, in the owner's name
    When what it asks for has landed
    And it is looked at
    Then the exception of cause drift is closed by the host

  Scenario: it is asked for once
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target holds something else
    And it is looked at
    And the owner adopts what is there, and once more before that has landed
    Then it is refused with CS-E0146

  Scenario: nobody else asks for it
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target holds something else
    And it is looked at
    And somebody else adopts what is there
    Then it is refused with CS-E0116

  Scenario: what is right again is not adopted
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target holds something else
    And it is looked at
    And the target holds what was approved
    And the owner adopts what is there
    Then it is refused with CS-E0145

  Scenario: what made a record of its own is not done once more
    Given an intent type that has what has drifted put before a person
    And its write has landed in a record of its own
    When the target holds something else
    And it is looked at
    And the owner adopts what is there
    Then it is refused with CS-E0145

  Scenario: what is gone is not adopted
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target holds no such record
    And it is looked at
    And the owner adopts what is there
    Then it is refused with CS-E0145
