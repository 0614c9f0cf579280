-- Asks for another of the 10,000 orders each time.
request = function()
  return wrk.format("GET", "/orders/" .. math.random(1, 10000))
end
