// Reads one text a line, and writes luna's estimate of its tokens, a number a line.

#include <iostream>
#include <string>

#include "server/memory/tokens.h"

int main() {
  std::string text;
  while (std::getline(std::cin, text)) std::cout << luna::memory::EstimateTokens(text) << '\n';
}
