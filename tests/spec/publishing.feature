Feature: a policy is published by two persons, and what they approved is what decides
  The shipped discount policy, owned by the pool `pricing` (pricing-lead and pricing-1): it approves a
  mid-market discount of up to 10 % by itself. The change: up to 12 %.

  Background:
    Given a house with the shipped rules

  Scenario: nobody publishes their own change
    When pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    Then pricing-lead may decide
    And the change is seated
    When pricing-1 approves revision 1
    Then it is refused with CS-E0110
    When ae-1 asks for 12 % off
    Then the discount waits for people

  Scenario: a second person publishes it, and from then on it decides
    When pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    And ae-2 approves revision 1
    Then it is refused with CS-E0111
    When pricing-lead approves revision 1
    Then the change is done
    And the version in force is the one that was approved
    When ae-1 asks for 12 % off
    Then the discount is approved by policy
    And no write was needed for the change

  Scenario: what is shown is what would be decided otherwise
    When pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    Then the evidence names a region that was director and is approve
    And the evidence says that 8 of 8 examples pass
    And the seal covers the evidence

  Scenario: an open intent keeps its version, a new one gets the new one
    When ae-1 asks for 12 % off
    Then the discount waits for people
    When pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    And pricing-lead approves revision 1
    Then the open discount is still decided by the version of its day
    When ae-1 asks for 12 % off
    Then the discount is approved by policy

  Scenario: an open intent keeps its version after a restart
    When ae-1 asks for 12 % off
    And pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    And pricing-lead approves revision 1
    And the host is started again
    Then the open discount is still decided by the version of its day

  Scenario: an open intent keeps its version when its seal ends and it is prepared anew
    When ae-1 asks for 12 % off
    And pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    And pricing-lead approves revision 1
    And 31 days pass
    Then the open discount is prepared anew
    And the open discount is still decided by the version of its day

  Scenario: a version for a later day waits for its day
    When pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-25
    And pricing-lead approves revision 1
    And ae-1 asks for 12 % off
    Then the discount waits for people
    When it is 2026-11-25T00:00:00Z
    And ae-1 asks for 12 % off
    Then the discount is approved by policy

  Scenario Outline: a set that does not check is refused with its places
    When pricing-1 publishes "<from>" as "<to>", effective <day>
    Then it is refused with CS-E0119
    And it names "<said>"
    And nothing was stored

    Examples:
      | from    | to     | day        | said                                 |
      | <= 10%  | <= 10  | 2026-11-20 | discount.policy.md:37                |
      | <= 5%   | <= 6%  | 2026-11-20 | example-failed                       |
      | pub-cap | ent    | 2026-11-20 | discount.policy.md                   |
      | <= 10%  | <= 12% | 2026-01-01 | is effective on 2026-01-01 too       |
      | pricing | nobody | 2026-11-20 | `nobody` is no pool of `people.md`   |

  Scenario: a warning needs the publisher's name
    When pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20, answering for no warning
    Then it is refused with CS-E0120
    And it names "edge-without-example"
    And nothing was stored

  Scenario: going back takes two persons as well, and takes over at once
    When pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    And pricing-lead approves revision 1
    And pricing-1 proposes the version before
    Then the evidence says that it was in force before
    When pricing-1 approves revision 1
    Then it is refused with CS-E0110
    When ae-1 asks for 12 % off
    Then the discount is approved by policy
    When pricing-lead approves revision 1
    And ae-1 asks for 12 % off
    Then the discount waits for people

  Scenario: after a restart the log gives the same set
    When pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    And pricing-lead approves revision 1
    And pricing-1 publishes "<= 10%" as "<= 14%", effective 2026-11-21
    And pricing-lead approves revision 1
    And the host is started again
    Then the same versions are in force as before
    When ae-1 asks for 14 % off
    Then the discount is approved by policy

  Scenario: whom the change would free has no seat
    When pricing-lead asks for 12 % off
    And pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    Then revops-lead may decide
    And pricing-lead may not decide
    When pricing-lead approves revision 1
    Then it is refused with CS-E0121

  Scenario: whoever asks for a discount while the change is open has no vote either
    When pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    And pricing-lead asks for 12 % off
    And pricing-lead approves revision 1
    Then it is refused with CS-E0121
    And the change is seated

  Scenario: nobody takes a policy over by editing its header
    When pricing-1 publishes "| pricing   " as "| deal-desk ", effective 2026-11-20
    Then pricing-lead may decide
    And deal-desk-lead may decide
    When deal-desk-lead approves revision 1
    Then the change is seated
    When pricing-lead approves revision 1
    Then the change is done

  Scenario: what was overtaken is not approved unseen
    When pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    And pricing-1 publishes "<= 10%" as "<= 14%", effective 2026-11-21
    And pricing-lead approves revision 1
    Then the change is done
    When the earlier change is looked at again
    And pricing-lead approves revision 1
    Then it is refused with CS-E0122
    And the change is seated

  Scenario: a file that is changed behind the log does not count
    When pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    And pricing-lead approves revision 1
    And the host is started again with "<= 10%" as "<= 60%" in the file
    Then the same versions are in force as before
    And the host says that policies/discount.policy.md does not count
    When ae-1 asks for 14 % off
    Then the discount waits for people

  Scenario: before anything is published the files decide
    When the host is started again with "<= 10%" as "<= 12%" in the file
    And ae-1 asks for 12 % off
    Then the discount is approved by policy

  Scenario: a missed change goes to the backups and is declined in the end
    When pricing-1 publishes "<= 10%" as "<= 12%", effective 2026-11-20
    And the seat is missed
    Then revops-lead may decide
