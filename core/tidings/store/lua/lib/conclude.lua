-- The end of every script that changes jobs: it writes what the other files have gathered.

local function conclude()
  write_acknowledged()
  write_lanes()
  publish_soonest()
  if has_ended_children and relays_notified then publish_due(0) end
  if lined then publish_unserved() end
  for gateway, box in pairs(outboxes) do publish(gateway, box) end
  if #finished > 0 then write_finished() end
  if event_counts then write_event_counts() end
  write_tallies()
  write_places()
end
